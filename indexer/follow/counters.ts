/** Counts since the indexer started, readable at any time. */
export interface Counters {
  /** Batches committed. */
  batches: number
  /** Blocks and events that were stored. */
  blocks: number
  events: number
  /** Milliseconds spent in the transactions of batches. */
  commitMs: number
  /** Reorganisations that were rolled back, the blocks that they retracted, and the milliseconds that this took. */
  reorganisations: number
  retractedBlocks: number
  reorganisationMs: number
  /** JSON-RPC requests, and the calls in them. */
  requests: number
  calls: number
  /** Requests that were not answered in time. */
  timeouts: number
  /** Times that another endpoint had to take over, and that endpoints reported different things. */
  failovers: number
  disagreements: number
  /** Final ranges of which, of several endpoints, only one told the logs. */
  unwitnessedRanges: number
  /** Blocks of which a node told other logs later than when they were new. */
  correctedBlocks: number
  /** Blocks near the head whose bloom allows for logs that no node has told yet. */
  unexplainedBlocks: number
  /** Times that an endpoint was left out because it lacks a method or denies access. */
  endpointsLeftOut: number
  /** Starts and rounds that failed and were retried, how many of them since the last success, how often one succeeded after failures, and
   *  the milliseconds from the first failure to that success. */
  failures: number
  consecutiveFailures: number
  recoveries: number
  failingMs: number
  /** Times that the lock of the chain was lost: its session broke, or could not renew the lease in time. */
  leaseLosses: number
  /** Times that this process waited as a standby and then took over, and the milliseconds of waiting before. */
  takeovers: number
  standbyMs: number
  /** Contracts that are set aside. */
  setAside: number
  /** Warnings that the index does not follow the chain. */
  stallWarnings: number
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
  reorganisationMs: 0,
  requests: 0,
  calls: 0,
  timeouts: 0,
  failovers: 0,
  disagreements: 0,
  unwitnessedRanges: 0,
  correctedBlocks: 0,
  unexplainedBlocks: 0,
  endpointsLeftOut: 0,
  failures: 0,
  consecutiveFailures: 0,
  recoveries: 0,
  failingMs: 0,
  leaseLosses: 0,
  takeovers: 0,
  standbyMs: 0,
  setAside: 0,
  stallWarnings: 0,
  headBlock: 0,
})
