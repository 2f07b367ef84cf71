import { type ChildProcess, fork } from 'node:child_process'
import type { Logger } from 'pino'
import { PermanentError } from '#schema/errors.ts'

export interface Service {
  readonly name: string
  /** The id of the running process, for tests that kill it. */
  readonly pid: number | undefined
  /** Resolves when the service is first ready. @throws PermanentError when it cannot start. */
  readonly ready: Promise<unknown>
  stop(): Promise<void>
}

/** Messages of a service process to its supervisor. */
export type ServiceMessage = { type: 'ready'; info?: unknown } | { type: 'failed'; message: string }

/** A larger young generation: batches of rows would otherwise be copied again and again. */
export const NODE_FLAGS = ['--max-semi-space-size=64']

const BACKOFF_MS = [200, 500, 1000, 2000, 5000]
const STOP_TIMEOUT_MS = 15_000

/** Runs `modelcommons <name> <args>` as a process and restarts it when it dies, with increasing delay. A service that reports `failed` (a
 *  PermanentError, such as a wrong configuration) before it was ever ready is not restarted. One that was ready before is: the
 *  cause may be gone again, and until then each restart logs it. */
export function supervise(name: string, env: NodeJS.ProcessEnv, log: Logger, args: readonly string[] = []): Service {
  let child: ChildProcess | undefined
  let stopping = false
  let failures = 0
  let wasReady = false
  let timer: NodeJS.Timeout | undefined
  let becameReady!: (info: unknown) => void
  let gaveUp!: (error: Error) => void
  const ready = new Promise<unknown>((resolve, reject) => {
    becameReady = resolve
    gaveUp = reject
  })
  ready.catch(() => {})

  const start = () => {
    child = fork(new URL('../bin/modelcommons.js', import.meta.url), [name, ...args], {
      env: { ...process.env, ...env },
      execArgv: NODE_FLAGS,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    let fatal = false
    child.on('message', (message: ServiceMessage) => {
      if (message.type === 'ready') {
        failures = 0
        wasReady = true
        becameReady(message.info)
      } else {
        fatal = !wasReady
        log.error({ service: name, problem: message.message }, `${name} cannot start`)
        gaveUp(new PermanentError(message.message))
      }
    })
    child.on('exit', (code, signal) => {
      child = undefined
      if (stopping || fatal) return
      const delay = BACKOFF_MS[Math.min(failures++, BACKOFF_MS.length - 1)] as number
      log.warn({ service: name, code, signal, delay }, `${name} ended; restarting it`)
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
