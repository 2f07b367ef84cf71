import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Ensures that one program at a time uses a home folder. @returns how to release it. @throws Error that names the process that uses it. */
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
      if (pid && pid !== process.pid && isRunning(pid))
        throw new Error(
          `ModelCommons is already running here (process ${pid}, ${home}). Stop it, or set MODELCOMMONS_HOME to another folder.`,
        )
      await rm(file, { force: true }) // left by a process that was killed
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
