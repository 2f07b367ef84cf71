import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { lifecycleBoard } from './lifecycle.ts'
import { serviceBoard } from './service.ts'

/** All boards, by the name of their file in `boards/`. */
export const boards = (): Record<string, Dashboard> => ({
  lifecycle: lifecycleBoard().build(),
  service: serviceBoard().build(),
})

export const boardFile = (name: string) => new URL(`./boards/${name}.json`, import.meta.url)

/** `node --import tsx dashboards/grafana/emit.ts` writes the boards, formatted by biome. */
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [name, board] of Object.entries(boards())) await writeFile(boardFile(name), JSON.stringify(board))
  const folder = fileURLToPath(new URL('./boards', import.meta.url))
  const { status } = spawnSync('npx', ['biome', 'format', '--write', folder], { stdio: 'inherit' })
  process.exitCode = status ?? 1
}
