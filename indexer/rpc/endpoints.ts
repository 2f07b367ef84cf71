import { type Call, type Rpc, RpcError, RpcUnavailable, shownUrl } from './rpc.ts'

/** Several RPC endpoints of one chain as one: the first that is well answers; the others take over, and bear witness. */

const FIRST_REST_MS = 1_000
const LONGEST_REST_MS = 60_000
const DISTRUST_MS = 600_000
const REVERTED = 3

/** Endpoints that can be asked one by one whether they say the same. */
export interface Panel {
  /** The endpoint that answers at present, then the others that are well. */
  voices(): readonly Rpc[]
  /** Asks an endpoint nothing for a while, whoever else is away: it said what the majority denies. */
  distrust(rpc: Rpc): void
}

interface Endpoint {
  rpc: Rpc
  failures: number
  /** Not asked before this moment of the monotonic clock, unless nobody else is left. */
  restsUntil: number
  /** Not asked before this moment at all. */
  distrustedUntil: number
}

/** Whether another endpoint would refuse alike: a revert is the chain's answer, a range limit the question's fault. */
const isAnswer = (error: RpcError, isLimit: (error: unknown) => boolean) => error.code === REVERTED || isLimit(error)

export class Endpoints implements Rpc, Panel {
  private readonly endpoints: Endpoint[]

  constructor(
    rpcs: readonly Rpc[],
    private readonly isLimit: (error: unknown) => boolean,
    private readonly onFailover: () => void = () => {},
  ) {
    this.endpoints = rpcs.map((rpc) => ({ rpc, failures: 0, restsUntil: 0, distrustedUntil: 0 }))
  }

  get url() {
    return this.endpoints.map(({ rpc }) => rpc.url).join(',')
  }

  request(method: string, params?: readonly unknown[]) {
    return this.ask((rpc) => rpc.request(method, params))
  }

  batch(calls: readonly Call[]) {
    return this.ask((rpc) => rpc.batch(calls))
  }

  onHead(hear: () => void) {
    for (const { rpc } of this.endpoints) rpc.onHead?.(hear)
  }

  voices() {
    const now = performance.now()
    return this.order()
      .filter(({ restsUntil }, index) => index === 0 || restsUntil <= now)
      .map(({ rpc }) => rpc)
  }

  distrust(rpc: Rpc) {
    const endpoint = this.endpoints.find((one) => one.rpc === rpc)
    if (endpoint) endpoint.distrustedUntil = performance.now() + DISTRUST_MS
  }

  /** Those that are well in their order, then those that rest, the soonest to be asked again first. */
  private order(): Endpoint[] {
    const now = performance.now()
    const trusted = this.endpoints.filter(({ distrustedUntil }) => distrustedUntil <= now)
    const well = trusted.filter(({ restsUntil }) => restsUntil <= now)
    const resting = trusted.filter(({ restsUntil }) => restsUntil > now)
    return [...well, ...resting.sort((a, b) => a.restsUntil - b.restsUntil)]
  }

  /** @throws the first refusal when all refuse; RpcUnavailable naming every endpoint when none answers. */
  private async ask<T>(question: (rpc: Rpc) => Promise<T>): Promise<T> {
    let refusal: RpcError | undefined
    let away: unknown
    for (const endpoint of this.order()) {
      try {
        const answer = await question(endpoint.rpc)
        endpoint.failures = 0
        return answer
      } catch (error) {
        if (error instanceof RpcError) {
          if (isAnswer(error, this.isLimit)) throw error
          refusal ??= error
        } else if (error instanceof RpcUnavailable) {
          away = error
          this.rest(endpoint)
        } else throw error
        this.onFailover()
      }
    }
    if (refusal) throw refusal
    const all = this.endpoints.map(({ rpc }) => shownUrl(rpc.url)).join(', ')
    throw new RpcUnavailable(`RPC_URL: none of ${all} answers and is believed. Start a node, or correct RPC_URL.`, {
      cause: away,
    })
  }

  private rest(endpoint: Endpoint) {
    const pause = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** endpoint.failures++)
    endpoint.restsUntil = Math.max(endpoint.restsUntil, performance.now() + pause)
  }
}
