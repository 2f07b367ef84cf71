import { formatEther } from 'viem'

/** Wei as an exact amount with its unit. */
export const inGOpen = (wei: bigint | string): string => `${formatEther(BigInt(wei))} gOPEN`
