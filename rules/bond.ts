/** Rule 2 (bond): what a proposer gets back. The contract computes it; this is its oracle. */

import { BPS, bigintMin, mulDiv } from './bps.ts'
import { partsOf, turnout, type VoteCast } from './tally.ts'

/** The largest part of a bond that missing turnout costs: 20 %. @oracle ModelRegistry.MAX_BOND_SLASH_BPS */
export const MAX_BOND_SLASH_BPS = 2_000n
/** The part of a bond that cancelling a proposal before its vote costs: 5 %. @oracle ModelRegistry.EARLY_CANCEL_BPS */
export const EARLY_CANCEL_BPS = 500n

/** How the proposal ended. `voted`: a vote was held, and the proposal was executed, defeated, or cancelled after voting had begun.
 *  `unproposed`: the bond was locked, but no vote was opened before the mandate's deadline. */
export type BondEnd = 'voted' | 'cancelled' | 'unproposed' | 'expired'

/** `reason` is the word in the events `BondReturned` and `BondSlashed`. */
export type BondSettlement = {
  returned: bigint
  slashed: bigint
  reason: 'quorum' | 'turnout' | 'expired' | 'cancelled' | 'unproposed'
}

/** Turnout without the proposer's own votes: For + Against + Abstain of all others.
 *  @oracle ModelRegistry.resolveBond */
export function turnoutWithout(proposer: string, votes: Iterable<VoteCast>): bigint {
  let sum = 0n
  for (const vote of votes) if (vote.voter.toLowerCase() !== proposer.toLowerCase()) sum += turnout(partsOf(vote))
  return sum
}

/**
 * Settles a proposer's bond. With turnout ≥ quorum it is returned in full, whatever the outcome; otherwise it is slashed by
 * `min(bond × (quorum − turnout) / quorum, bond × 20 %)`, each floored. If the proposal passed and expired unexecuted, the bond is returned.
 * If it was cancelled before voting started, or no vote was opened, the bond is returned less 5 %. `turnout` excludes the
 * proposer's own votes. Invariant: `returned + slashed = bond`.
 * @oracle ModelRegistry.resolveBond
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { settleBond } from '#rules/bond.ts'
 *
 * const settled = settleBond({ bond: 1_000n, end: 'voted', turnout: 90n, quorum: 100n })
 * assert.deepEqual(settled, { returned: 900n, slashed: 100n, reason: 'turnout' })
 * ```
 */
export function settleBond(input: { bond: bigint; end: BondEnd; turnout: bigint; quorum: bigint }): BondSettlement {
  const { bond, end, turnout: cast, quorum } = input
  const settle = (slashed: bigint, reason: BondSettlement['reason']) => ({ returned: bond - slashed, slashed, reason })
  if (end === 'cancelled' || end === 'unproposed') return settle(mulDiv(bond, EARLY_CANCEL_BPS, BPS), end)
  if (cast >= quorum) return settle(0n, 'quorum')
  if (end === 'expired') return settle(0n, 'expired')
  const missing = mulDiv(bond, quorum - cast, quorum)
  return settle(bigintMin(missing, mulDiv(bond, MAX_BOND_SLASH_BPS, BPS)), 'turnout')
}
