import { setTimeout as sleep } from 'node:timers/promises'
import { IndexerError } from '../errors.ts'
import {
  type EndpointUnusable,
  isFinal,
  isUnusable,
  MethodUnsupported,
  NodeSilent,
  RpcError,
  RpcUnavailable,
} from './errors.ts'
import type { Quorum } from './quorum.ts'
import { type Rpc, type RpcCall, redactedUrl } from './rpc.ts'

/** Several RPC endpoints of one chain as one: the first healthy one answers, the others take over and serve for cross-checks. */

const FIRST_COOLDOWN_MS = 1_000
const MAX_COOLDOWN_MS = 60_000
const DISTRUST_MS = 600_000
/** How long an endpoint is left out that lacks a method or denies access, until it is tried again. */
const LEFT_OUT_MS = 600_000

const HEDGE_MS = 3_000
const HEDGE_LOGS_MS = 10_000

interface Endpoint {
  rpc: Rpc
  failures: number
  /** Not used before this reading of the monotonic clock, unless no other endpoint is left. */
  cooldownUntil: number
  /** Not used before this reading at all. */
  distrustedUntil: number
  /** Why it cannot be used, and until which reading it is left out for that. */
  leftOut?: { reason: EndpointUnusable; until: number }
}

/** What happens to the endpoints, for counters and the log. */
export interface EndpointEvents {
  /** An endpoint did not answer a request, and another one has to be used. */
  onFailover?(endpoint: string, reason: Error): void
  /** An endpoint cannot be used: it is left out as long as another one serves. Called once for each time. */
  onLeftOut?(reason: EndpointUnusable): void
}

export class Endpoints implements Rpc, Quorum {
  private readonly endpoints: Endpoint[]

  constructor(
    rpcs: readonly Rpc[],
    private readonly events: EndpointEvents = {},
    private readonly hedgeAfterMs?: number,
  ) {
    this.endpoints = rpcs.map((rpc) => ({ rpc, failures: 0, cooldownUntil: 0, distrustedUntil: 0 }))
  }

  get url() {
    return this.endpoints.map(({ rpc }) => rpc.url).join(',')
  }

  request(method: string, params?: readonly unknown[]) {
    return this.tryInTurn(this.hedgeMs([{ method, params: [] }]), (rpc) => rpc.request(method, params))
  }

  async batch(calls: readonly RpcCall[]) {
    return (await this.batchBy(calls)).answers
  }

  batchBy(calls: readonly RpcCall[]) {
    return this.tryInTurn(this.hedgeMs(calls), async (rpc) => ({ by: rpc, answers: await rpc.batch(calls) }))
  }

  /** After how long without an answer the next endpoint is asked too. */
  private hedgeMs(calls: readonly RpcCall[]): number {
    const forLogs = calls.some(({ method }) => method === 'eth_getLogs')
    return this.hedgeAfterMs ?? (forLogs ? HEDGE_LOGS_MS : HEDGE_MS)
  }

  onHead(listener: () => void) {
    for (const { rpc } of this.endpoints) rpc.onHead?.(listener)
  }

  healthy() {
    const now = performance.now()
    return this.usable()
      .filter(({ cooldownUntil }, index) => index === 0 || cooldownUntil <= now)
      .map(({ rpc }) => rpc)
  }

  distrust(rpc: Rpc) {
    const endpoint = this.endpoints.find((one) => one.rpc === rpc)
    if (endpoint) endpoint.distrustedUntil = performance.now() + DISTRUST_MS
  }

  private isLeftOut = ({ leftOut }: Endpoint) => leftOut !== undefined && leftOut.until > performance.now()

  /** The healthy endpoints in their configured order, then those that cool down, the one that is due first first. */
  private usable(): Endpoint[] {
    const now = performance.now()
    const trusted = this.endpoints.filter((one) => one.distrustedUntil <= now && !this.isLeftOut(one))
    const healthy = trusted.filter(({ cooldownUntil }) => cooldownUntil <= now)
    const cooling = trusted.filter(({ cooldownUntil }) => cooldownUntil > now)
    return [...healthy, ...cooling.sort((a, b) => a.cooldownUntil - b.cooldownUntil)]
  }

  /** @throws the first refusal when an endpoint refused and none answered (a missing method only when no endpoint was away: the others may
   *  have it); IndexerError when none of the endpoints can be used; RpcUnavailable naming every endpoint otherwise. */
  private async tryInTurn<T>(hedgeMs: number, request: (rpc: Rpc) => Promise<T>): Promise<T> {
    let refusal: RpcError | MethodUnsupported | undefined
    let unavailable: unknown
    const left = this.usable()
    const asked = new Map<Endpoint, Promise<Outcome<T>>>()
    const askNext = () => {
      const endpoint = left.shift()
      if (endpoint) asked.set(endpoint, outcomeOf(endpoint, request(endpoint.rpc)))
    }
    for (askNext(); asked.size > 0; ) {
      const outcome = await firstOf([...asked.values()], left.length > 0 ? hedgeMs : undefined)
      if (!outcome) {
        askNext()
        continue
      }
      const { endpoint } = outcome
      asked.delete(endpoint)
      if ('answer' in outcome) {
        endpoint.failures = 0
        for (const slower of asked.keys()) this.fail(slower, new NodeSilent(`slower than ${hedgeMs / 1000} s`))
        return outcome.answer
      }
      const { error } = outcome
      if (isUnusable(error)) this.leaveOut(endpoint, error)
      else if (error instanceof MethodUnsupported) refusal ??= error
      else if (error instanceof RpcError) {
        if (isFinal(error)) throw error
        refusal ??= error
      } else if (error instanceof RpcUnavailable) {
        unavailable = error
        this.coolDown(endpoint)
      } else throw error
      this.events.onFailover?.(redactedUrl(endpoint.rpc.url), error)
      if (asked.size === 0) askNext()
    }
    if (refusal && !(refusal instanceof MethodUnsupported && unavailable)) throw refusal
    this.requireUsable()
    const all = this.endpoints.map(({ rpc }) => redactedUrl(rpc.url)).join(', ')
    throw new RpcUnavailable(`RPC_URL: none of ${all} answers and is trusted. Start a node, or correct RPC_URL.`, {
      cause: unavailable,
    })
  }

  private fail(endpoint: Endpoint, error: Error) {
    this.coolDown(endpoint)
    this.events.onFailover?.(redactedUrl(endpoint.rpc.url), error)
  }

  /** Several requests may be on their way to an endpoint when the first of them finds it unusable. */
  private leaveOut(endpoint: Endpoint, reason: EndpointUnusable) {
    if (this.isLeftOut(endpoint)) return
    endpoint.leftOut = { reason, until: performance.now() + LEFT_OUT_MS }
    this.events.onLeftOut?.(reason)
  }

  /** @throws IndexerError when every endpoint is left out. */
  private requireUsable() {
    const reasons = this.endpoints.flatMap((one) => (this.isLeftOut(one) && one.leftOut ? [one.leftOut.reason] : []))
    if (reasons.length < this.endpoints.length) return
    throw new IndexerError(
      `None of the RPC endpoints can be used.\n${reasons.map(({ message }) => message).join('\n')}`,
      {
        cause: reasons[0],
      },
    )
  }

  private coolDown(endpoint: Endpoint) {
    const now = performance.now()
    if (endpoint.cooldownUntil > now) return // another request to it failed just before
    endpoint.cooldownUntil = now + Math.min(MAX_COOLDOWN_MS, FIRST_COOLDOWN_MS * 2 ** endpoint.failures++)
  }
}

type Outcome<T> = { endpoint: Endpoint; answer: T } | { endpoint: Endpoint; error: unknown }

const outcomeOf = <T>(endpoint: Endpoint, request: Promise<T>): Promise<Outcome<T>> =>
  request.then(
    (answer) => ({ endpoint, answer }),
    (error: unknown) => ({ endpoint, error }),
  )

/** The first outcome; undefined when none comes in time. */
async function firstOf<T>(outcomes: readonly Promise<T>[], withinMs: number | undefined): Promise<T | undefined> {
  if (withinMs === undefined) return Promise.race(outcomes)
  const stop = new AbortController()
  const late = sleep(withinMs, undefined, { signal: stop.signal }).catch(() => undefined)
  return Promise.race([...outcomes, late]).finally(() => stop.abort())
}
