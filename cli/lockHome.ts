import { access, constants, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '#config'

/** Creates the folder. @throws ConfigError when it cannot be created or written. */
export async function requireWritable(home: string): Promise<void> {
  try {
    await mkdir(home, { recursive: true })
    await access(home, constants.W_OK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new ConfigError(
      `MODELCOMMONS_HOME: ${home} cannot be created or written (${code}). Name a folder of this user.`,
      { cause },
    )
  }
}

/** Ensures that one program at a time uses a home folder. @returns how to release it. @throws Error that names the process that uses it. */
export async function lockHome(home: string): Promise<() => Promise<void>> {
  await requireWritable(home)
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
      if (pid && pid !== process.pid && (await isModelCommons(pid)))
        throw new Error(
          `ModelCommons is already running here (process ${pid}, ${home}). Stop it, or set MODELCOMMONS_HOME to another folder.`,
        )
      await rm(file, { force: true }) // left by a process that was killed
    }
  }
}

/** After a restart of the machine, the id may be that of another program. */
async function isModelCommons(pid: number): Promise<boolean> {
  if (!isRunning(pid)) return false
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined) // Linux alone has it
  return command === undefined || command.includes('modelcommons')
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
