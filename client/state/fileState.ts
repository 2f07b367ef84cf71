import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { StateError } from '../errors.ts'
import { inOrder } from '../inOrder.ts'
import { shareLock } from './lockFile.ts'
import type { StateStore } from './stateStore.ts'

interface StateFile {
  format: typeof FORMAT
  values: Record<string, string>
}

const FORMAT = 'modelcommons client state 1'

/**
 * The state in one file, for Node. Each write replaces the file as a whole. Only its owner may read it, because the salts in it hide
 * what is not published yet.
 * @throws StateError when the file cannot be used, or another process uses it.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mkdtemp } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { fileState } from '#client/node.ts'
 *
 * const file = join(await mkdtemp(join(tmpdir(), 'state-')), 'state.json')
 * await fileState(file).write('act', 'kept')
 * assert.equal(await fileState(file).read('act'), 'kept')
 * ```
 */
export function fileState(path: string): StateStore {
  const file = resolve(path)
  const change = (edit: (values: Record<string, string>) => void) =>
    inOrder(file, async () => {
      const values = await readValues(file)
      edit(values)
      await replace(file, JSON.stringify({ format: FORMAT, values } satisfies StateFile))
    })
  return {
    async read(key) {
      return (await readValues(file))[key]
    },
    write: (key, value) => change((values) => Object.assign(values, { [key]: value })),
    remove: (key) => change((values) => delete values[key]),
    lock: () => shareLock(`${file}.lock`),
  }
}

async function readValues(file: string): Promise<Record<string, string>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new StateError(`The state file ${file} cannot be read (${(cause as Error).message}).`, { cause })
  }
  try {
    const { format, values } = JSON.parse(text) as Partial<StateFile>
    if (format === FORMAT && values) return values
    throw new Error(`its format is ${JSON.stringify(format)}`)
  } catch (cause) {
    throw new StateError(
      `The state file ${file} is damaged or of another release (${(cause as Error).message}). It has the salts and the transactions of unfinished acts: put back a copy of it. Without a copy, move it away: acts that were not finished start again, and what was committed under the lost salts expires without cost.`,
      { cause },
    )
  }
}

async function replace(file: string, text: string): Promise<void> {
  const part = `${file}.part`
  try {
    await mkdir(dirname(file), { recursive: true })
    const handle = await open(part, 'w', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(part, file)
  } catch (cause) {
    throw new StateError(
      `The state file ${file} cannot be written (${(cause as Error).message}). Nothing was sent. Make room, or name a file that this user may write.`,
      { cause },
    )
  }
}
