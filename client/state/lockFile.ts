import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StateError } from '../errors.ts'
import { inOrder } from '../inOrder.ts'

/** The locks of this process. */
const held = new Map<string, { acts: number; release: () => Promise<void> }>()

/** Lets one process at a time have a lock; its own acts share it. @returns how to release it. @throws StateError that names the process that has it. */
export async function shareLock(file: string): Promise<() => Promise<void>> {
  await inOrder(file, async () => {
    const own = held.get(file) ?? { acts: 0, release: await takeLock(file) }
    own.acts++
    held.set(file, own)
  })
  return () =>
    inOrder(file, async () => {
      const own = held.get(file)
      if (!own || --own.acts > 0) return
      held.delete(file)
      await own.release()
    })
}

async function takeLock(file: string): Promise<() => Promise<void>> {
  const folder = mkdir(dirname(file), { recursive: true })
  const taken = await folder
    .then(() => takePidFile(file, isRunning))
    .catch((cause) => {
      throw new StateError(`${file} cannot be written (${cause.message}).`, { cause })
    })
  if (typeof taken === 'function') return taken
  throw new StateError(
    `Process ${taken.pid} uses this state. Wait until it has ended, or name another state file. (If it is no client, delete ${file}.)`,
  )
}

/** Creates a file with the id of this process. One that was left by a process that is gone is replaced.
 *  @param isInUse whether the process of an existing file still uses it
 *  @returns how to delete the file, or the process that has it */
export async function takePidFile(
  file: string,
  isInUse: (pid: number) => boolean | Promise<boolean>,
): Promise<(() => Promise<void>) | { pid: number }> {
  for (;;) {
    try {
      const handle = await open(file, 'wx', 0o600)
      await handle.writeFile(`${process.pid}\n`)
      await handle.close()
      return () => rm(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const pid = Number((await readFile(file, 'utf8').catch(() => '')).trim())
      if (pid && (await isInUse(pid))) return { pid }
      await rm(file, { force: true })
    }
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
