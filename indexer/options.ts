import type { Database } from '#schema/database.ts'
import type { FollowedDeployment } from './deployment.ts'
import type { Counters } from './follow/counters.ts'
import type { TransportOptions } from './rpc/transport.ts'

/** Takes messages about what the indexer does; `console` and pino fit. */
export interface Logger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

export interface IndexerOptions {
  db: Database
  /** http(s) or ws(s); over ws the node announces new heads. Several URLs, separated by commas, take over from each other and are
   *  cross-checked. */
  rpcUrl: string
  deployment: FollowedDeployment
  log?: Logger
  signal?: AbortSignal
  /** Milliseconds between polls of the head: 50 for a chain on this machine, else 1,000. */
  pollMs?: number
  /** Counts blocks this far behind the head as final, instead of asking for the chain's `finalized` block. */
  confirmations?: number
  /** The tag of the final block where `confirmations` is not set: `finalized` (the default) or `safe`. */
  finality?: 'finalized' | 'safe'
  /** A Subsquid Network gateway of this chain: `@subsquid/evm-processor` fetches its final blocks; the node serves the rest. */
  gatewayUrl?: string
  /** A folder that caches final blocks, so that the index can be rebuilt without a node. */
  cacheFolder?: string
  /** Rows of each table that stay in memory from batch to batch: 4,000. */
  keptRows?: number
  /** When a final block is no longer on the chain: `stop` with an error (the default), or `rewind`. */
  deepReorganisation?: 'stop' | 'rewind'
  patience?: Patience
  /** When the node or the database is not available at the start: `retry` (the default) logs it and tries again, as later; `fail` rejects. */
  atStart?: 'retry' | 'fail'
  /** Where the indexer counts, for who reads along from before the end of the start. */
  counters?: Counters
}

/** How long a response may take; the shortest delay before a retry, of a request or of a whole round; how long the node must show a
 *  chain without a final block before the indexer accepts the reorganisation; how long an indexer may be silent before a standby takes over;
 *  how long the index may stand still before there is a warning. */
export type Patience = Pick<TransportOptions, 'timeoutMs' | 'delayMs'> & {
  deepReorgMs?: number
  leaseMs?: number
  stallMs?: number
}
