import { BPS, least, mulDiv } from './bps.ts'
import { partsOf, turnout, type Vote } from './tally.ts'

/** The most a bond can lose for want of turnout: 20 %. */
export const MAX_BOND_SLASH_BPS = 2_000n
/** What withdrawing a proposal before its vote costs: 5 %. */
export const EARLY_CANCEL_BPS = 500n

/** How the proposal ended. `voted` covers every vote that was held: executed, defeated, or cancelled once voting had begun. */
export type BondEnd = 'voted' | 'canceledBeforeStart' | 'expired'

export type BondSettlement = { returned: bigint; slashed: bigint; reason: string }

/** Turnout without the proposer's own votes: For + Against + Abstain of everyone else. */
export function turnoutWithout(proposer: string, votes: Iterable<Vote>): bigint {
  let sum = 0n
  for (const vote of votes) if (vote.voter.toLowerCase() !== proposer.toLowerCase()) sum += turnout(partsOf(vote))
  return sum
}

/** Settles a proposer's bond (rule 2): returned in full at turnout ≥ quorum, whatever the outcome; below, slashed by
 *  `min(bond × (quorum − turnout) / quorum, bond × 20 %)`, each floored. `turnout` is without the proposer's own votes.
 *  Invariant: `returned + slashed = bond`. */
export function settleBond(input: { bond: bigint; end: BondEnd; turnout: bigint; quorum: bigint }): BondSettlement {
  const { bond, end, turnout: cast, quorum } = input
  if (end === 'canceledBeforeStart') {
    const slashed = mulDiv(bond, EARLY_CANCEL_BPS, BPS)
    return { returned: bond - slashed, slashed, reason: 'Cancelled before voting started: returned less 5 %.' }
  }
  if (end === 'expired') return { returned: bond, slashed: 0n, reason: 'Passed and expired unexecuted: returned.' }
  if (cast >= quorum)
    return { returned: bond, slashed: 0n, reason: `Turnout ${cast} reached the quorum ${quorum}: returned in full.` }
  const missing = mulDiv(bond, quorum - cast, quorum)
  const cap = mulDiv(bond, MAX_BOND_SLASH_BPS, BPS)
  const slashed = least(missing, cap)
  return {
    returned: bond - slashed,
    slashed,
    reason: `Turnout ${cast} of ${quorum} needed: slashed by the missing share, at most 20 %.`,
  }
}
