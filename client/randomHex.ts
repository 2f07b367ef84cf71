import { bytesToHex, type Hex } from 'viem'

/** 32 random bytes that nobody can guess. */
export const randomHex = (): Hex => bytesToHex(crypto.getRandomValues(new Uint8Array(32)))
