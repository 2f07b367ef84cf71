import type { BondSettlement } from '#rules/bond.ts'
import { inGOpen } from './amounts.ts'

/** Why, in words. */
const REASONS: Readonly<Record<BondSettlement['reason'], string>> = {
  quorum: 'the votes of others reached the quorum',
  turnout: 'the votes of others did not reach the quorum',
  expired: 'it passed, and was not executed by the mandate’s deadline',
  cancelled: 'it was cancelled before its vote began',
  unproposed: 'no vote was opened by the mandate’s deadline',
}

/** The settlement of a bond as a sentence; with `foreseen`, as one that is not done yet. */
export const bondText = ({ returned, slashed, reason }: BondSettlement, { foreseen = false } = {}): string => {
  const [back, lost] = foreseen ? ['would go', 'would be'] : ['went', 'were']
  return `${inGOpen(returned)} of the bond ${back} back to the proposer, and ${inGOpen(slashed)} ${lost} slashed: ${REASONS[reason]}.`
}
