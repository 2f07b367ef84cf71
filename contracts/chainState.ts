import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'

/** The state of a local chain: anvil writes it in place every few seconds, so that a kill can cut it. What it writes is a dump beside the state, and
 *  becomes the state once it is whole. */

/** Where anvil writes the state of `stateFile`. */
export const dumpFileOf = (stateFile: string): string => `${stateFile}.dump`

/** How often a new dump is looked for. */
const POLL_MS = 500
/** A dump that was changed this recently may still be written. */
const SETTLED_MS = 300

/** After anvil has ended: makes its last dump the state, if that is whole. @returns `cut` when it is not; the state stays as it was. */
export async function takeDump(stateFile: string): Promise<'taken' | 'none' | 'cut'> {
  const taken = await copyDump(stateFile)
  await rm(dumpFileOf(stateFile), { force: true })
  return taken
}

/** While anvil runs: makes each new dump the state. @returns how to end it; then no write is under way. */
export function takeDumps(stateFile: string): () => Promise<void> {
  let last = Promise.resolve()
  let busy = false
  let taken: number | undefined
  const take = async () => {
    const { mtimeMs } = await stat(dumpFileOf(stateFile))
    if (mtimeMs === taken || Date.now() - mtimeMs < SETTLED_MS) return
    if ((await copyDump(stateFile)) === 'taken') taken = mtimeMs
  }
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    last = take()
      .catch(() => {}) // there is none yet, or the disk is full: the state stays as it was
      .finally(() => {
        busy = false
      })
  }, POLL_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await last
  }
}

/** The state gets the modification time of the dump: when anvil wrote it. */
async function copyDump(stateFile: string): Promise<'taken' | 'none' | 'cut'> {
  const dumpFile = dumpFileOf(stateFile)
  const dump = await stat(dumpFile).catch(() => undefined)
  if (!dump) return 'none'
  const bytes = await readFile(dumpFile)
  if (!(await isWritten(stateFile, bytes))) {
    if (!isWhole(bytes)) return 'cut'
    await replaceFile(stateFile, bytes)
  }
  await utimes(stateFile, dump.atime, dump.mtime)
  return 'taken'
}

/** An idle chain dumps the same state again and again. */
async function isWritten(stateFile: string, bytes: Buffer): Promise<boolean> {
  if (!existsSync(stateFile)) return false
  const digest = (content: Buffer) => createHash('sha256').update(content).digest('hex')
  return digest(await readFile(stateFile)) === digest(bytes)
}

function isWhole(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString())
    return true
  } catch {
    return false
  }
}

/** Writes a file under another name first: whenever the program or the machine stops, the file has its old or its new content. */
export async function replaceFile(file: string, content: Buffer | string): Promise<void> {
  const part = await open(`${file}.part`, 'w')
  try {
    await part.writeFile(content)
    await part.sync()
  } finally {
    await part.close()
  }
  await rename(`${file}.part`, file)
}
