import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'

const dist = new URL('../dashboards/dist/', import.meta.url).pathname
const sources = new URL('../dashboards/web/', import.meta.url).pathname
/** What the page is made of besides. */
const shared = ['client', 'contracts/generated', 'model', 'rules', 'schema', 'screening'].map(
  (folder) => new URL(`../${folder}/`, import.meta.url).pathname,
)

/** The folder of the built web page; builds it first if its sources changed since the last build. The package has
 *  only the built page. */
export async function webFolder(log: Logger): Promise<string | undefined> {
  if (!existsSync(sources)) return existsSync(`${dist}index.html`) ? dist : undefined
  const index = await stat(`${dist}index.html`).catch(() => undefined)
  const isNew = await Promise.all([sources, ...shared].map((folder) => newer(folder, index?.mtimeMs ?? 0)))
  if (index && !isNew.includes(true)) return dist
  log.info('building the page')
  const { build } = await import('vite')
  await build({ configFile: new URL('../dashboards/vite.config.ts', import.meta.url).pathname, logLevel: 'error' })
  return dist
}

async function newer(folder: string, than: number): Promise<boolean> {
  const { readdir } = await import('node:fs/promises')
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && (await stat(`${entry.parentPath}/${entry.name}`)).mtimeMs > than) return true
  return false
}
