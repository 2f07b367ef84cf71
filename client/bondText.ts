import { BOND_REASONS, type BondSettlement } from '#rules/bond.ts'
import { inGOpen } from './amounts.ts'

/** The settlement of a bond as a sentence; with `foreseen`, as one that is not done yet. */
export const bondText = ({ returned, slashed, reason }: BondSettlement, { foreseen = false } = {}): string => {
  const [back, lost] = foreseen ? ['would go', 'would be'] : ['went', 'were']
  return `${inGOpen(returned)} of the bond ${back} back to the proposer, and ${inGOpen(slashed)} ${lost} slashed: ${BOND_REASONS[reason]}.`
}
