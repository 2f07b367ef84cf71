import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Time between an unexpected end of a service and its restart, as a container's restart policy does it. */
const RESTART_MS = 1_000
const STOP_TIMEOUT_MS = 25_000
const READY_TIMEOUT_MS = 120_000

export interface ServiceSettings {
  name: string
  /** The folder of the program: that of the present release or of an earlier one. */
  program: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  logFile: string
  /** The command that runs a program on the service's host; empty on this machine. */
  through: readonly string[]
}

/** One service in a process of its own, which can be killed, frozen and restarted. When it ends by itself, it is started again. */
export class ServiceProcess {
  /** How often the service ended by itself. */
  exits = 0
  private child: ChildProcess | undefined
  private wanted = false
  private ended = Promise.resolve()
  private isReady = false

  constructor(private settings: ServiceSettings) {}

  get name(): string {
    return this.settings.name
  }

  get pid(): number | undefined {
    return this.child?.pid
  }

  /** Starts the service if it does not run; `changes` replace settings of the runs before. Resolves when it is ready, be it this process or one
   *  that is started after it, or when the service is ended on purpose. @throws Error when that takes too long. */
  async start(changes: Partial<ServiceSettings> = {}): Promise<void> {
    this.settings = { ...this.settings, ...changes }
    this.wanted = true
    if (!this.child) this.spawn()
    await waitFor(`${this.name} is ready`, READY_TIMEOUT_MS, () => this.isReady || !this.wanted)
  }

  private spawn() {
    const { program, args, env, logFile, through } = this.settings
    const log = openSync(logFile, 'a')
    const [command = '', ...others] = [...through, process.execPath, join(program, 'bin/modelcommons.js'), ...args]
    const child = spawn(command, others, {
      cwd: program,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', log, log, 'ipc'],
    })
    closeSync(log)
    this.child = child
    this.isReady = false
    child.on('message', (message: { type?: string }) => {
      if (message.type === 'ready' && this.child === child) this.isReady = true
    })
    this.ended = new Promise((done) => {
      child.once('exit', () => {
        if (this.child === child) this.child = undefined
        done()
        if (!this.wanted) return
        this.exits++
        setTimeout(() => {
          if (this.wanted && !this.child) this.spawn()
        }, RESTART_MS)
      })
    })
  }

  /** `kill -9`. Its child processes see the end of their parent, and end. */
  async kill(): Promise<void> {
    this.wanted = false
    this.signal('SIGCONT')
    this.child?.kill('SIGKILL')
    await this.ended
  }

  /** Asks the service to end, and waits for that. @returns whether it ended in time by itself. */
  async stop(): Promise<boolean> {
    this.wanted = false
    if (!this.child) return true
    this.child.kill('SIGTERM')
    const late = AbortSignal.timeout(STOP_TIMEOUT_MS)
    const inTime = await Promise.race([
      this.ended.then(() => true),
      new Promise<boolean>((done) => late.addEventListener('abort', () => done(false), { once: true })),
    ])
    if (!inTime) await this.kill()
    return inTime
  }

  /** Sends a signal to the process and its child processes. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (!this.pid) return
    for (const pid of [this.pid, ...childrenOf(this.pid)]) {
      try {
        process.kill(pid, signal)
      } catch {} // it has ended
    }
  }
}

/** Runs a command of the program in the folder `program` to its end. @throws Error with its output when it fails. */
export async function runToEnd(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { PATH = '', HOME = '' } = process.env
  const options = { cwd: program, env: { PATH, HOME, ...env } }
  const { stdout } = await promisify(execFile)(process.execPath, ['bin/modelcommons.js', ...args], options)
  return stdout
}

/** The child processes of `pid`; empty on systems without /proc. */
export const childrenOf = (pid: number): number[] =>
  (existsSync('/proc/self/stat') ? readdirSync('/proc') : [])
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return Number(/\) . (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1]) === pid
      } catch {
        return false // it has ended
      }
    })
    .map(Number)

/** Waits until `condition` holds. @throws Error with `what` when that takes longer than `ms`. */
export async function waitFor(what: string, ms: number, condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + ms
  for (;;) {
    if (await condition()) return
    if (performance.now() > deadline) throw new Error(`${what}: not within ${Math.round(ms / 1000)} s.`)
    await sleep(100)
  }
}
