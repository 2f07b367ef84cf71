import { access, constants, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRunning, takePidFile } from '#client/state/lockFile.ts'
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

const lockFile = (home: string) => join(home, 'running.pid')

/** Ensures that one program at a time uses a home folder. @returns how to release it. @throws Error that names the process that uses it. */
export async function lockHome(home: string): Promise<() => Promise<void>> {
  await requireWritable(home)
  const taken = await takePidFile(lockFile(home), (pid) => pid !== process.pid && isModelCommons(pid))
  if (typeof taken === 'function') return taken
  throw new Error(
    `ModelCommons is already running here (process ${taken.pid}, ${home}). Stop it, or set MODELCOMMONS_HOME to another folder.`,
  )
}

/** The id of the process that uses a home; undefined when none does. */
export async function processOfHome(home: string): Promise<number | undefined> {
  const pid = Number(await readFile(lockFile(home), 'utf8').catch(() => ''))
  return pid > 0 && (await isModelCommons(pid)) ? pid : undefined
}

/** After a restart of the machine, the id may be that of another program. */
async function isModelCommons(pid: number): Promise<boolean> {
  if (!isRunning(pid)) return false
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined) // Linux alone has it
  return command === undefined || command.includes('modelcommons')
}
