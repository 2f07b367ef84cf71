import { keccak256, stringToHex } from 'viem'

/** One gOPEN, in wei. */
export const OPEN = 10n ** 18n
export const wholeOpen = (whole: number) => BigInt(whole) * OPEN
export const textHash = (text: string) => keccak256(stringToHex(text))
