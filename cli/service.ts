import { readConfig } from '#config'
import { PermanentError } from '#schema/errors.ts'
import { explain } from './explain.ts'
import { openTracing } from './openTracing.ts'
import type { ServiceMessage } from './supervisor.ts'

interface Running {
  /** Passed to the supervisor. */
  info?: unknown
  /** Rejects when the service cannot continue. */
  stopped?: Promise<void>
  stop(): Promise<void>
}

const STOP_TIMEOUT_MS = 14_000

const tell = (message: ServiceMessage) => process.send?.(message)

/** Runs the service `name` until SIGTERM, SIGINT or the end of the supervisor, then stops it. A PermanentError at the start is reported to the
 *  supervisor: a restart would not help. */
export async function runService(name: string, start: () => Promise<Running>): Promise<void> {
  // While the service starts, there is nothing to stop in order; a start that waits for a node must not outlive its supervisor.
  const leave = () => process.exit(1)
  if (process.connected) process.on('disconnect', leave)
  let running: Running
  let flushTraces = async () => {}
  try {
    flushTraces = await openTracing(name, readConfig(process.env, { requireDeployment: false, signs: false }))
    running = await start()
  } catch (error) {
    const message = (error as Error).message
    if (error instanceof PermanentError) tell({ type: 'failed', message })
    process.exit(explain(error))
  }
  let stopping = false
  const stop = async (code: number) => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref()
    await running.stop().catch((error) => {
      code = explain(error)
    })
    await flushTraces()
    process.exit(code)
  }
  process.on('SIGTERM', () => stop(0))
  process.on('SIGINT', () => stop(0))
  process.on('SIGHUP', () => stop(0)) // the terminal was closed
  if (process.connected) process.on('disconnect', () => stop(0)).off('disconnect', leave)
  running.stopped?.catch((error) => stop(explain(error)))
  tell({ type: 'ready', info: running.info })
}
