import { isLogged } from '#schema/isLogged.ts'
import type { Logger } from '../options.ts'
import type { EndpointEvents } from '../rpc/endpoints.ts'
import type { TransportOptions } from '../rpc/transport.ts'
import type { Counters } from './counters.ts'
import { LOGGED_AGAIN_MS } from './failures.ts'

/** What happens to the RPC endpoints of an indexer: each event is counted; of equal ones in a row, the 1st, 2nd, 4th, 8th … is logged, and one a minute. */

/** After so long without an event, the next one is the first of another row. */
const QUIET_MS = 60_000

class Rows {
  private readonly rows = new Map<string, { times: number; last: number; logged: number }>()

  /** Counts one more event of `kind`. @returns how many there were in a row, when this one is to be logged. */
  toLog(kind: string): number | undefined {
    const now = performance.now()
    const row = this.rows.get(kind)
    const times = row && now - row.last < QUIET_MS ? row.times + 1 : 1
    const isDue = isLogged(times) || now - (row?.logged ?? 0) >= LOGGED_AGAIN_MS
    this.rows.set(kind, { times, last: now, logged: isDue ? now : (row?.logged ?? now) })
    return isDue ? times : undefined
  }
}

export interface RpcEvents {
  transport: Pick<TransportOptions, 'onRequest' | 'onSilence'>
  endpoints: EndpointEvents
  onDisagreement: (about: string, reports: string[]) => void
  onNoWitness: (about: string, withoutVote: string[]) => void
}

export function rpcEvents(counters: Counters, chainId: number, log?: Logger): RpcEvents {
  const rows = new Rows()
  const warn = (kind: string, details: object, message: string) => {
    const times = rows.toLog(kind)
    if (times !== undefined) log?.warn({ chainId, ...details, times }, message)
  }
  return {
    transport: {
      onRequest(calls) {
        counters.requests++
        counters.calls += calls
      },
      onSilence(endpoint, problem) {
        counters.timeouts++
        warn(`silence ${endpoint}`, { endpoint, problem }, 'An RPC endpoint does not answer in time')
      },
    },
    endpoints: {
      onFailover(endpoint, { message: problem }) {
        counters.failovers++
        warn(`failover ${endpoint}`, { endpoint, problem }, 'An RPC endpoint failed: asking the next one')
      },
      onLeftOut({ message: problem }) {
        counters.endpointsLeftOut++
        log?.warn({ chainId, problem }, 'An RPC endpoint is left out')
      },
    },
    onDisagreement(about, reports) {
      counters.disagreements++
      warn('disagreement', { about, reports }, 'The RPC endpoints disagree')
    },
    onNoWitness(about, withoutVote) {
      counters.unwitnessedRanges++
      warn(
        'no witness',
        { about, withoutVote },
        'No second RPC endpoint tells the logs of a range: a sample is checked',
      )
    },
  }
}
