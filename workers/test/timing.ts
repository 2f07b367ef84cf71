import type { Timing } from '../timing.ts'

/** Short times for tests, in the same proportions as the defaults. */
export const FAST_TIMING: Timing = {
  heartbeatMs: 100,
  writeMs: 20,
  staleMs: 1_000,
  queuedMs: 300,
  sweepMs: 150,
  graceMs: 1_000,
  checkpointMs: 100,
  backoffMs: 20,
  waitMs: 50,
  maxWaitMs: 400,
  maxWaits: 8,
}
