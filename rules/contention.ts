/** Rule 1 (tally): how contested a vote is. */

import { bigintMin, PPM } from './bps.ts'
import type { ProposalVotes } from './tally.ts'

/**
 * How evenly For and Against are matched, in ppm, floored: 1 − |For − Against| / (For + Against). `null` when both are 0. Abstentions do
 * not count.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { contentiousness } from '#rules/contention.ts'
 *
 * assert.equal(contentiousness({ for: 75n, against: 25n }), 500_000)
 * ```
 */
export function contentiousness(sum: Pick<ProposalVotes, 'for' | 'against'>): number | null {
  const both = sum.for + sum.against
  if (both === 0n) return null
  return Number((2n * bigintMin(sum.for, sum.against) * PPM) / both)
}
