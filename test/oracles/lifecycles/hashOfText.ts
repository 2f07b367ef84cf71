import { keccak256 } from 'viem'

/** A hash that stands for something of which only the name matters. */
export const hashOfText = (text: string) => keccak256(new TextEncoder().encode(text))
