import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** `modelcommons up` as a real process, in a home of its own. */

export async function emptyHome() {
  const home = await mkdtemp(join(tmpdir(), 'modelcommons-up-'))
  await chmod(home, 0o755) // the database server may run as another user
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  return home
}

export const lives = (pid: number) => {
  try {
    process.kill(pid, 0)
    return !existsSync('/proc') || !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

export const pidIn = (file: string) => Number(readFileSync(file, 'utf8').split('\n')[0])

export function start(env: Record<string, string>, args = ['up']): ChildProcess {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, ['bin/modelcommons.js', ...args], {
    cwd: join(import.meta.dirname, '../..'),
    env: { PATH, HOME, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  child.stdout.resume()
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** The port of a server that accepts connections and never answers. */
export async function silentPort(): Promise<number> {
  const server = createServer(() => {})
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
