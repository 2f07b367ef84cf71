import { isLogged } from '#schema/isLogged.ts'
import type { Logger } from '../options.ts'
import type { EndpointEvents } from '../rpc/endpoints.ts'
import type { TransportOptions } from '../rpc/transport.ts'
import type { Counters } from './counters.ts'

/** What happens to the RPC endpoints of an indexer: each event is counted; of equal ones in a row, the 1st, 2nd, 4th, 8th … is logged. */

/** After so long without an event, the next one is the first of another row. */
const QUIET_MS = 60_000

class Rows {
  private readonly rows = new Map<string, { times: number; last: number }>()

  /** Counts one more event of `kind`. @returns how many there were in a row. */
  count(kind: string): number {
    const now = performance.now()
    const row = this.rows.get(kind)
    const times = row && now - row.last < QUIET_MS ? row.times + 1 : 1
    this.rows.set(kind, { times, last: now })
    return times
  }
}

export interface RpcEvents {
  transport: Pick<TransportOptions, 'onRequest' | 'onSilence'>
  endpoints: EndpointEvents
  onDisagreement: (about: string, reports: string[]) => void
}

export function rpcEvents(counters: Counters, chainId: number, log?: Logger): RpcEvents {
  const rows = new Rows()
  const warn = (kind: string, details: object, message: string) => {
    const times = rows.count(kind)
    if (isLogged(times)) log?.warn({ chainId, ...details, times }, message)
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
  }
}
