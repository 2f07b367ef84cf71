/** What the indexer has done since it started; plain numbers, to be read at any time. */
export interface Counters {
  /** Batches committed. */
  batches: number
  /** Blocks and events that became rows. */
  blocks: number
  events: number
  /** Milliseconds spent in the transactions of batches. */
  commitMs: number
  reorganisations: number
  retractedBlocks: number
  /** JSON-RPC requests, and the calls in them. */
  requests: number
  calls: number
  /** Times that another endpoint had to be asked, and that endpoints said different things. */
  failovers: number
  disagreements: number
  /** Rounds that failed and were tried again. */
  failures: number
  /** The newest block that the node announced. */
  headBlock: number
}

export const newCounters = (): Counters => ({
  batches: 0,
  blocks: 0,
  events: 0,
  commitMs: 0,
  reorganisations: 0,
  retractedBlocks: 0,
  requests: 0,
  calls: 0,
  failovers: 0,
  disagreements: 0,
  failures: 0,
  headBlock: 0,
})
