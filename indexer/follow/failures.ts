import { isRetriable, RetriableError } from '#schema/errors.ts'
import { isLogged } from '#schema/isLogged.ts'
import type { Logger } from '../options.ts'
import { backoff } from '../rpc/retry.ts'
import type { Counters } from './counters.ts'

/** Failures in a row, of the start and later of rounds: counted, logged, and each followed by a longer wait. */

const MAX_BACKOFF_DOUBLINGS = 5
/** While failures last, one is logged at least so often. */
export const LOGGED_AGAIN_MS = 60_000

/** SQLSTATE of a statement that PostgreSQL cancelled, and of a lock that it did not wait for longer. Where the server or an administrator limits both, an
 *  indexer that is held up tries again: nothing else waits for its statements. */
const HELD_UP = new Set<unknown>(['57014', '55P03'])

/** Whether the indexer tries again after this. */
export const isPassing = (error: unknown): error is Error =>
  error instanceof Error && (isRetriable(error) || HELD_UP.has((error as { code?: unknown }).code))

/** Our own retriable errors say what to do. The others come from `pg` or from its socket. */
const problemOf = (error: Error) =>
  error instanceof RetriableError
    ? error.message
    : `DATABASE_URL: the database failed (${error.message || (error as { code?: string }).code}). It is asked again; start it, or correct the URL, if this lasts.`

export class Failures {
  /** What failed last, if nothing has succeeded since. */
  problem: string | undefined
  /** Reading of the monotonic clock at the first failure since the last success. */
  private since: number | undefined
  private loggedAt = 0

  constructor(
    private readonly counters: Counters,
    private readonly options: { details: object; signal: AbortSignal; delayMs?: number; log?: Logger },
  ) {}

  /** Counts a failure, and logs it as `message` when it is the 1st, 2nd, 4th, 8th … in a row, and after a minute without a line. */
  failed(error: Error, message: string) {
    const { counters } = this
    const { details, log } = this.options
    const problem = problemOf(error)
    this.problem = problem
    this.since ??= performance.now()
    counters.failures++
    const failures = ++counters.consecutiveFailures
    const sinceMs = Math.round(performance.now() - this.since)
    const now = performance.now()
    if (!isLogged(failures) && now - this.loggedAt < LOGGED_AGAIN_MS) return
    this.loggedAt = now
    log?.warn({ ...details, failures, sinceMs, problem }, message)
  }

  /** Waits before the next try. @throws the reason of the signal when it aborts. */
  async pause() {
    const { signal, delayMs } = this.options
    await backoff(Math.min(this.counters.consecutiveFailures - 1, MAX_BACKOFF_DOUBLINGS), { signal, delayMs })
  }

  /** Runs `work` until it succeeds. @throws an error that is not retriable at once, and the reason of the signal when it aborts. */
  async retried<T>(work: () => Promise<T>, message: string): Promise<T> {
    for (;;)
      try {
        const result = await work()
        this.recovered()
        return result
      } catch (error) {
        this.options.signal.throwIfAborted()
        if (!isPassing(error)) throw error
        this.failed(error, message)
        await this.pause()
      }
  }

  /** After a success: logs how many failures there were before it, and for how long. */
  recovered() {
    const { counters } = this
    const { details, log } = this.options
    this.problem = undefined
    if (this.since === undefined) return
    const failures = counters.consecutiveFailures
    const afterMs = performance.now() - this.since
    this.since = undefined
    counters.consecutiveFailures = 0
    counters.recoveries++
    counters.failingMs += afterMs
    log?.info({ ...details, failures, afterMs: Math.round(afterMs) }, 'Recovered')
  }
}
