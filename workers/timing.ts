/** Times of a worker, in milliseconds unless a name says otherwise. */
export interface Timing {
  /** Time between two heartbeats. */
  heartbeatMs: number
  /** Time between two writes of progress. */
  writeMs: number
  /** A running job without a heartbeat counts as lost after this time. */
  staleMs: number
  /** A queued job is added to the queue again after this time. */
  queuedMs: number
  /** Time between two sweeps. */
  sweepMs: number
  /** A job that was told to end is abandoned after this time. */
  graceMs: number
  /** Shortest time between two copies of a job's checkpoint to the store: another host repeats at most this much, and the time of a copy. */
  checkpointMs: number
  /** Delay before the second attempt; it doubles with each attempt, up to `queuedMs`, when the sweep would start it. */
  backoffMs: number
  /** First delay of a job that waits for a service; it doubles with each wait for the same reason. Every delay varies by a quarter, so that jobs that began to wait
   *  together do not all come back at once. */
  waitMs: number
  /** The longest of these delays. */
  maxWaitMs: number
  /** A job that has waited this often for one reason fails. The default gives about 24 hours: 9 waits until the longest delay, then 286 of 5 minutes. */
  maxWaits: number
  /** Replaces the `stallMs` of each kind, for tests. */
  stallMs?: number
}

export const DEFAULT_TIMING: Timing = {
  heartbeatMs: 2_000,
  writeMs: 150,
  staleMs: 15_000,
  queuedMs: 5_000,
  sweepMs: 2_500,
  graceMs: 10_000,
  checkpointMs: 15_000,
  backoffMs: 500,
  waitMs: 1_000,
  maxWaitMs: 300_000,
  maxWaits: 295,
}
