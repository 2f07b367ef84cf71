import { formatEther } from 'viem'
import { BOND_REASONS, type BondSettlement } from '#rules/bond.ts'

/** The settlement of a bond as a sentence. */
export const bondText = ({ returned, slashed, reason }: BondSettlement): string =>
  `${formatEther(returned)} gOPEN of the bond went back to the proposer, and ${formatEther(slashed)} gOPEN were slashed: ${BOND_REASONS[reason]}.`
