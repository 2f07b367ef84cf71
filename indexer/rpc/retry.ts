import { setTimeout as sleep } from 'node:timers/promises'
import { BatchRefused, EndpointUnusable, NodeBusy, NodeSilent, RpcError, RpcUnavailable } from './errors.ts'

/** Retries with exponential back-off and jitter. */

export interface RetryOptions {
  /** Tries of one request before the endpoint counts as unavailable: 4. */
  tries?: number
  /** Tries after which an endpoint that does not answer in time counts as unavailable; by default as many as of other failures. */
  silentTries?: number
  /** The shortest delay before another try, in milliseconds; the delay doubles with each try. */
  delayMs?: number
  /** Ends the wait and the request. */
  signal?: AbortSignal
  /** Called when no answer came to a try in time. */
  onSilence?: (endpoint: string, problem: string) => void
  /** A number from 0 to 1 for the random part of a delay; by default from the clock. */
  random?: () => number
}

const DELAY_MS = 100
const MAX_DELAY_FACTOR = 50

/** Waits longer with each try; a random part keeps clients from coming back all at once. @throws the reason of the signal when it aborts. */
export const backoff = (
  attempt: number,
  { signal, delayMs = DELAY_MS, random = jitter }: Pick<RetryOptions, 'signal' | 'delayMs' | 'random'>,
) =>
  sleep(retryDelayMs(attempt, delayMs, random), undefined, { signal }).catch((error) => {
    throw signal?.reason ?? error // the error of the timer hides it
  })

/** Half of a delay that doubles with each try, plus a random part of the other half. */
export function retryDelayMs(attempt: number, delayMs: number, random: () => number): number {
  const max = delayMs * Math.min(MAX_DELAY_FACTOR, 2 ** attempt)
  return max / 2 + (random() * max) / 2
}

/** From 0 to 1, from the clock's nanoseconds: it spreads retries and decides nothing else. */
const jitter = () => Number(process.hrtime.bigint() % 1_000n) / 1_000

/** What an error says; Node leaves the message of some connection errors empty. */
function reasonOf(error: unknown): string {
  const innermost = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(innermost instanceof Error)) return String(innermost)
  const { code } = innermost as { code?: unknown }
  return innermost.message || (typeof code === 'string' ? code : innermost.name)
}

/** What another try does not change. */
const PASSED_ON = [RpcError, EndpointUnusable, RpcUnavailable, BatchRefused]

/** A node is not waited for longer in one request, whatever it asks for. */
const MAX_RETRY_AFTER_MS = 30_000

/** Waits as long as the node asked, or longer. */
async function pause(attempt: number, last: unknown, options: RetryOptions): Promise<void> {
  const asked = last instanceof NodeBusy ? Math.min(last.retryAfterMs, MAX_RETRY_AFTER_MS) : 0
  await Promise.all([backoff(attempt, options), asked && sleep(asked, undefined, { signal: options.signal })])
}

/** Retries `work` while the node is unreachable or busy. @throws RpcError and EndpointUnusable at once; RpcUnavailable when every try
 *  failed, or when another try would fail in the same way. */
export async function withRetries<T>(work: () => Promise<T>, endpoint: string, options: RetryOptions): Promise<T> {
  const { tries = 4, silentTries = tries, signal } = options
  let last: unknown
  for (let attempt = 0; attempt < tries; attempt++) {
    if (attempt > 0) await pause(attempt, last, options)
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      if (PASSED_ON.some((kind) => error instanceof kind)) throw error
      last = error
      if (!(error instanceof NodeSilent)) continue
      options.onSilence?.(endpoint, error.message)
      if (attempt + 1 >= silentTries) break
    }
  }
  if (last instanceof NodeBusy)
    throw new RpcUnavailable(
      `RPC_URL: ${endpoint} is overloaded, limits requests, or answers incompletely (${reasonOf(last)}). It is retried; a larger plan or another endpoint helps if this lasts.`,
      { cause: last },
    )
  throw new RpcUnavailable(
    `RPC_URL: ${endpoint} does not answer (${reasonOf(last)}). Start the node, or correct RPC_URL.`,
    { cause: last },
  )
}
