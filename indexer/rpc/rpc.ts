import { setTimeout as sleep } from 'node:timers/promises'
import { RetriableError } from '#schema/errors.ts'

/** JSON-RPC: what every transport does alike (retries with jitter, errors that say what to do), and the one over HTTP. */

export interface Call {
  method: string
  params: readonly unknown[]
}

export interface Rpc {
  readonly url: string
  request(method: string, params?: readonly unknown[]): Promise<unknown>
  /** Several calls in as few requests as the limits allow; answers in the order of the calls.
   *  @throws RpcError of the first call that the node refused. */
  batch(calls: readonly Call[]): Promise<unknown[]>
  /** Calls `hear` when the node announces a new head, where the transport can. */
  onHead?(hear: () => void): void
}

/** The node answered, and refused: asking again the same way is no use. */
export class RpcError extends RetriableError {
  override name = 'RpcError'
  constructor(
    readonly method: string,
    readonly code: number,
    readonly reason: string,
  ) {
    super(`The RPC endpoint refused ${method}: ${reason} (code ${code})`)
  }
}

/** The node cannot be reached, or is overloaded, after several tries. Ours to retry. */
export class RpcUnavailable extends RetriableError {
  override name = 'RpcUnavailable'
}

export interface RpcOptions {
  /** Tries per request before it counts as unavailable. */
  tries?: number
  timeoutMs?: number
  /** The shortest wait before another try, in milliseconds; each further wait is up to twice as long. */
  delayMs?: number
  /** The most calls in one request. */
  batchSize?: number
  /** Aborts waiting and requests alike. */
  signal?: AbortSignal
  /** From 0 to 1, for the random part of waiting; without it, from the clock. */
  random?: () => number
  /** Counts requests. */
  onRequest?: (calls: number) => void
}

export interface Answer {
  id: number
  result?: unknown
  error?: { code: number; message: string; data?: unknown }
}

const DELAY_MS = 100
const LONGEST_DELAYS = 50
const LIMIT_EXCEEDED = -32005
const BUSY =
  /rate limit|too many requests|request rate|capacity|try again|temporarily|overloaded|compute units per second/i

/** An address as it may be shown: without a key in its path, query or user. */
export function shownUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname.length > 1 ? '/…' : ''}`
}

class Busy extends Error {}

/** Waits longer with each try, by a random part so that clients do not come back all at once. */
export const backoff = (
  attempt: number,
  { signal, delayMs = DELAY_MS, random = jitter }: Pick<RpcOptions, 'signal' | 'delayMs' | 'random'>,
) => {
  return sleep(waitMs(attempt, delayMs, random), undefined, { signal, ref: true })
}

/** Between half of a wait that doubles with each try and all of it. */
export function waitMs(attempt: number, delayMs: number, random: () => number): number {
  const most = delayMs * Math.min(LONGEST_DELAYS, 2 ** attempt)
  return most / 2 + (random() * most) / 2
}

/** Between 0 and 1, from the clock's nanoseconds: it spreads retries and decides nothing else. */
const jitter = () => Number(process.hrtime.bigint() % 1_000n) / 1_000

/** Tries `work` again while the node is away or busy. @throws RpcError at once; RpcUnavailable when no try succeeded. */
export async function patiently<T>(work: () => Promise<T>, shown: string, options: RpcOptions): Promise<T> {
  const { tries = 4, signal } = options
  let last: unknown
  for (let attempt = 0; attempt < tries; attempt++) {
    if (attempt > 0) await backoff(attempt, options)
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof RpcError) throw error
      last = error
    }
  }
  const reason =
    last instanceof Error ? (last.cause instanceof Error ? last.cause.message : last.message) : String(last)
  throw new RpcUnavailable(
    `RPC_URL: ${shown} does not answer (${reason || 'connection refused'}). Start the node, or correct RPC_URL.`,
    { cause: last },
  )
}

export function httpRpc(url: string, options: RpcOptions = {}): Rpc {
  const { timeoutMs = 30_000, batchSize = 100, signal, onRequest } = options
  let nextId = 1

  async function send(calls: readonly Call[]): Promise<Answer[]> {
    const first = nextId
    nextId += calls.length
    const body = calls.map((call, index) => ({ jsonrpc: '2.0', id: first + index, ...call }))
    const timeout = AbortSignal.timeout(timeoutMs)
    onRequest?.(calls.length)
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body.length === 1 ? body[0] : body),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    const text = Buffer.from(await response.arrayBuffer()).toString() // half the work of `text()`
    if (response.status === 429 || response.status >= 500) throw new Busy(`HTTP ${response.status}`)
    return inOrder(calls, first, parse(text, response.status))
  }

  const ask = (calls: readonly Call[]) =>
    patiently(async () => results(calls, await send(calls)), shownUrl(url), options)

  return {
    url,
    request: async (method, params = []) => (await ask([{ method, params }]))[0],
    async batch(calls) {
      const parts: Promise<unknown[]>[] = []
      for (let start = 0; start < calls.length; start += batchSize)
        parts.push(ask(calls.slice(start, start + batchSize)))
      return (await Promise.all(parts)).flat()
    },
  }
}

function parse(text: string, status: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (status >= 400) throw new RpcError('the request', status, text.slice(0, 200) || `HTTP ${status}`)
    throw new Busy('the answer is no JSON')
  }
}

/** Nodes may answer a batch in any order, or all of it with one error. */
function inOrder(calls: readonly Call[], first: number, body: unknown): Answer[] {
  const answers = (Array.isArray(body) ? body : [body]) as Answer[]
  if (calls.length > 1 && answers.length === 1 && answers[0]?.error) return calls.map(() => answers[0]!)
  const byId = new Map(answers.map((answer) => [answer.id, answer]))
  return calls.map((call, index) => {
    const answer = byId.get(first + index)
    if (!answer) throw new Busy(`no answer to ${call.method}`)
    return answer
  })
}

export function results(calls: readonly Call[], answers: readonly Answer[]): unknown[] {
  return answers.map(({ result, error }, index) => {
    if (!error) return result
    const busy = error.code === 429 || (BUSY.test(error.message) && error.code !== LIMIT_EXCEEDED)
    if (busy) throw new Busy(error.message)
    throw new RpcError(calls[index]!.method, error.code, error.message)
  })
}
