import { type Hex, hexToBytes, keccak256 } from 'viem'
import { must } from '#test/must.ts'
import type { SimulatedLog } from './events.ts'

// Numeric kernel: indices are in range by construction.

/** The logs bloom filter of a block, as the Ethereum Yellow Paper defines it (4.3.1): three of 2,048 bits for each address and topic. */
export function bloomOf(logs: readonly SimulatedLog[]): Hex {
  const bytes = new Uint8Array(256)
  for (const { address, topics } of logs)
    for (const item of [address as Hex, ...topics]) for (const bit of bits(item)) set(bytes, bit)
  return `0x${Buffer.from(bytes).toString('hex')}`
}

const set = (bytes: Uint8Array, bit: number) => {
  const index = 255 - (bit >> 3)
  bytes[index] = (bytes[index] ?? 0) | (1 << (bit & 7))
}

const known = new Map<string, number[]>()

function bits(item: Hex): number[] {
  const found = known.get(item)
  if (found) return found
  const hash = hexToBytes(keccak256(item))
  const made = [0, 2, 4].map((at) => ((must(hash[at]) << 8) | must(hash[at + 1])) & 2047)
  known.set(item, made)
  return made
}
