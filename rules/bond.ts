import { BPS, bigintMin, mulDiv } from './bps.ts'
import { partsOf, turnout, type VoteCast } from './tally.ts'

/** The most a bond can lose for want of turnout: 20 %. */
export const MAX_BOND_SLASH_BPS = 2_000n
/** What withdrawing a proposal before its vote costs: 5 %. */
export const EARLY_CANCEL_BPS = 500n

/** How the proposal ended. `voted` covers every vote that was held: executed, defeated, or cancelled once voting had begun;
 *  `unproposed`: the bond was locked and no vote was asked for by the mandate's deadline. */
export type BondEnd = 'voted' | 'cancelled' | 'unproposed' | 'expired'

/** `reason` is the word that the events carry. */
export type BondSettlement = {
  returned: bigint
  slashed: bigint
  reason: 'quorum' | 'turnout' | 'expired' | 'cancelled' | 'unproposed'
}

/** Turnout without the proposer's own votes: For + Against + Abstain of everyone else. */
export function turnoutWithout(proposer: string, votes: Iterable<VoteCast>): bigint {
  let sum = 0n
  for (const vote of votes) if (vote.voter.toLowerCase() !== proposer.toLowerCase()) sum += turnout(partsOf(vote))
  return sum
}

/** Settles a proposer's bond (rule 2): returned in full at turnout ≥ quorum, whatever the outcome; below, slashed by
 *  `min(bond × (quorum − turnout) / quorum, bond × 20 %)`, each floored. Passed and expired unexecuted: returned. Cancelled
 *  before voting started, or never put to the vote: returned less 5 %. `turnout` is without the proposer's own votes.
 *  Invariant: `returned + slashed = bond`. */
export function settleBond(input: { bond: bigint; end: BondEnd; turnout: bigint; quorum: bigint }): BondSettlement {
  const { bond, end, turnout: cast, quorum } = input
  const settle = (slashed: bigint, reason: BondSettlement['reason']) => ({ returned: bond - slashed, slashed, reason })
  if (end === 'cancelled' || end === 'unproposed') return settle(mulDiv(bond, EARLY_CANCEL_BPS, BPS), end)
  if (cast >= quorum) return settle(0n, 'quorum')
  if (end === 'expired') return settle(0n, 'expired')
  const missing = mulDiv(bond, quorum - cast, quorum)
  return settle(bigintMin(missing, mulDiv(bond, MAX_BOND_SLASH_BPS, BPS)), 'turnout')
}
