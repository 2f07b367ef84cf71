import { type ChildProcess, fork } from 'node:child_process'
import type { Logger } from 'pino'

export interface Service {
  readonly name: string
  /** The process now running, for tests that kill it. */
  readonly pid: number | undefined
  /** Resolves when the service first says that it is ready. @throws Error when it gives up before. */
  readonly ready: Promise<unknown>
  stop(): Promise<void>
}

/** What a service process tells its supervisor. */
export type ServiceMessage = { type: 'ready'; info?: unknown } | { type: 'failed'; message: string }

/** Room for short-lived objects: batches of rows that outlive one small collection would be copied again and again. */
export const NODE_FLAGS = ['--max-semi-space-size=64']

const BACKOFF_MS = [200, 500, 1000, 2000, 5000]
const STOP_TIMEOUT_MS = 15_000

/** Runs `modelcommons <name>` as a process of its own and starts it again when it dies, a little later each time. A service that
 *  says `failed` (a fault that a restart cannot mend, such as a port in use) is not started again. */
export function supervise(name: string, env: NodeJS.ProcessEnv, log: Logger): Service {
  let child: ChildProcess | undefined
  let stopping = false
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let becameReady!: (info: unknown) => void
  let gaveUp!: (error: Error) => void
  const ready = new Promise<unknown>((resolve, reject) => {
    becameReady = resolve
    gaveUp = reject
  })
  ready.catch(() => {})

  const start = () => {
    child = fork(new URL('../bin/modelcommons.js', import.meta.url), [name], {
      env: { ...process.env, ...env },
      execArgv: NODE_FLAGS,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    let fatal = false
    child.on('message', (message: ServiceMessage) => {
      if (message.type === 'ready') {
        failures = 0
        becameReady(message.info)
      } else {
        fatal = true
        gaveUp(new Error(message.message))
      }
    })
    child.on('exit', (code, signal) => {
      child = undefined
      if (stopping || fatal) return
      const delay = BACKOFF_MS[Math.min(failures++, BACKOFF_MS.length - 1)] as number
      log.warn({ service: name, code, signal, delay }, `${name} ended; starting it again`)
      timer = setTimeout(start, delay)
    })
  }
  start()

  return {
    name,
    ready,
    get pid() {
      return child?.pid
    },
    async stop() {
      stopping = true
      clearTimeout(timer)
      const running = child
      if (!running) return
      const ended = new Promise<void>((resolve) => running.once('exit', () => resolve()))
      running.kill('SIGTERM')
      const late = setTimeout(() => running.kill('SIGKILL'), STOP_TIMEOUT_MS)
      await ended
      clearTimeout(late)
    },
  }
}
