import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Keeps two programs off one home. @returns how to let go. @throws Error naming the process that holds it. */
export async function lockHome(home: string): Promise<() => Promise<void>> {
  await mkdir(home, { recursive: true })
  const file = join(home, 'running.pid')
  for (;;) {
    try {
      const handle = await open(file, 'wx')
      await handle.writeFile(`${process.pid}\n`)
      await handle.close()
      return () => rm(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const pid = Number((await readFile(file, 'utf8').catch(() => '')).trim())
      if (pid && pid !== process.pid && lives(pid))
        throw new Error(
          `ModelCommons runs here already (process ${pid}, ${home}). Stop it, or set MODELCOMMONS_HOME to another folder.`,
        )
      await rm(file, { force: true }) // left by a process that was killed
    }
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
