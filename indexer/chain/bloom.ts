import { hexToBytes, keccak256 } from 'viem'

/** A block's logs bloom says what it may hold, and never denies what it holds (Ethereum Yellow Paper, 4.3.1). So logs that a node
 *  holds back are missed, where its index of logs lags behind its blocks. */

const BLOOM_BITS = 2_048
/** A bloom of more set bits than this says "perhaps" to nearly everything: chains without blooms set all of them. */
const SATURATED_BYTES = 240

/** The three bits of an address or a topic. */
export function bloomBits(item: string): readonly number[] {
  const hash = hexToBytes(keccak256(item as `0x${string}`))
  return [0, 2, 4].map((at) => ((hash[at]! << 8) | hash[at + 1]!) & (BLOOM_BITS - 1))
}

/** Whether a bloom admits logs of one of some addresses with one of some topics. */
export class BloomFilter {
  private readonly addresses: (readonly number[])[]
  private readonly topics: (readonly number[])[]

  constructor(addresses: readonly string[], topics: readonly string[]) {
    this.addresses = addresses.map(bloomBits)
    this.topics = topics.map(bloomBits)
  }

  /** False: there is certainly none. */
  admits(bloom: string | undefined): boolean {
    if (!bloom) return false
    const bytes = Buffer.from(bloom.slice(2), 'hex')
    if (bytes.length !== BLOOM_BITS / 8) return false
    let full = 0
    for (const byte of bytes) if (byte === 0xff) full++
    if (full > SATURATED_BYTES) return false
    const holds = (bits: readonly number[]) =>
      bits.every((bit) => bytes[BLOOM_BITS / 8 - 1 - (bit >> 3)]! & (1 << (bit & 7)))
    return this.addresses.some(holds) && this.topics.some(holds)
  }
}
