import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { isRunning, takePidFile } from '#client/state/lockFile.ts'

const at = (path: string) => new URL(`../${path}`, import.meta.url).pathname
const dist = at('dashboards/dist/')
const sources = at('dashboards/web/')
/** What the page is made of besides. */
const shared = ['client', 'contracts/generated', 'model', 'rules', 'schema', 'screening'].map((one) => at(`${one}/`))

/** The folder of the built web page; builds it first if its sources changed since the last build. The package has
 *  only the built page. */
export async function webFolder(log: Logger): Promise<string | undefined> {
  if (!existsSync(sources)) return existsSync(`${dist}index.html`) ? dist : undefined
  const unlock = await lockBuild()
  try {
    if (await isCurrent()) return dist
    log.info('building the page')
    const { build } = await import('vite')
    await build({ configFile: at('dashboards/vite.config.ts'), logLevel: 'error' })
    return dist
  } finally {
    await unlock()
  }
}

const POLL_MS = 200

/** One process at a time builds, and nobody takes what is half built. */
async function lockBuild(): Promise<() => Promise<void>> {
  for (;;) {
    // Where nothing can be written, nothing is built.
    const taken = await takePidFile(at('dashboards/dist.lock'), isRunning).catch(() => async () => {})
    if (typeof taken === 'function') return taken
    await sleep(POLL_MS)
  }
}

async function isCurrent(): Promise<boolean> {
  const index = await stat(`${dist}index.html`).catch(() => undefined)
  if (!index) return false
  const changed = await Promise.all([sources, ...shared].map((folder) => newer(folder, index.mtimeMs)))
  return !changed.includes(true)
}

async function newer(folder: string, than: number): Promise<boolean> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && (await stat(`${entry.parentPath}/${entry.name}`)).mtimeMs > than) return true
  return false
}
