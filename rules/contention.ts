import { bigintMin, PPM } from './bps.ts'
import type { ProposalVotes } from './tally.ts'

/** How evenly For and Against are matched, in parts per million, rounded down: 1 − |For − Against| / (For + Against). Null when both are
 *  nothing; abstentions do not count. */
export function contentiousness(sum: Pick<ProposalVotes, 'for' | 'against'>): number | null {
  const both = sum.for + sum.against
  if (both === 0n) return null
  return Number((2n * bigintMin(sum.for, sum.against) * PPM) / both)
}
