import { hexToBytes, keccak256 } from 'viem'

/** Log blooms of blocks (Ethereum Yellow Paper, 4.3.1). A bloom has no false negatives: if it may match but a node returns no logs, the
 *  node's log index may lag behind its blocks. */

const BLOOM_BITS = 2_048
const BLOOM_BYTES = BLOOM_BITS / 8
/** A bloom with more full bytes than this matches nearly everything: chains without blooms set all bits. */
const SATURATED_BYTES = 240

/** The three bits of an address or a topic. */
export function bloomBits(item: string): readonly number[] {
  const hash = Buffer.from(hexToBytes(keccak256(item as `0x${string}`)))
  return [0, 2, 4].map((offset) => hash.readUInt16BE(offset) & (BLOOM_BITS - 1))
}

/** Whether some logs can be all of a block: they account for every bit of its bloom. */
export function accountFor(bloom: string | undefined, logs: readonly { address: string; topics: readonly string[] }[]) {
  const own = Buffer.alloc(BLOOM_BYTES)
  for (const { address, topics } of logs)
    for (const bit of [address, ...topics].flatMap(bloomBits)) own[byteOf(bit)] = (own[byteOf(bit)] ?? 0) | maskOf(bit)
  return Buffer.from((bloom ?? '').slice(2), 'hex').every((byte, index) => (byte & ~(own[index] ?? 0)) === 0)
}

const byteOf = (bit: number) => BLOOM_BYTES - 1 - (bit >> 3)
const maskOf = (bit: number) => 1 << (bit & 7)

/** Which logs of some addresses with some topics a block may hold. */
export class BloomFilter {
  private readonly addresses: readonly Item[]
  private readonly topics: readonly Item[]

  constructor(addresses: readonly string[], topics: readonly string[]) {
    this.addresses = addresses.map(itemOf)
    this.topics = topics.map(itemOf)
  }

  /** Whether some logs can be all that the block has of the addresses and topics: no other log of one of them fits its bloom. A bloom tells nothing of
   *  several logs of one contract with one topic, and may match by chance. */
  isExplained(bloom: string | undefined, logs: readonly { address: string; topics: readonly string[] }[]): boolean {
    const has = itemsIn(bloom)
    if (!has) return true
    const [addresses, topics] = [this.addresses.filter(has), this.topics.filter(has)]
    if (!addresses.length || !topics.length) return true
    const [known, first] = [new Set(logs.map(({ address }) => address)), new Set(logs.map((log) => log.topics[0]))]
    return addresses.every(({ item }) => known.has(item)) && topics.every(({ item }) => first.has(item))
  }
}

/** An address or a topic with its bits. */
interface Item {
  item: string
  bits: readonly number[]
}

const itemOf = (item: string): Item => ({ item, bits: bloomBits(item) })

/** Whether a bloom may have an item; undefined where it says nothing. */
function itemsIn(bloom: string | undefined): ((item: Item) => boolean) | undefined {
  const bytes = Buffer.from(bloom?.slice(2) ?? '', 'hex')
  if (bytes.length !== BLOOM_BYTES) return undefined
  let full = 0
  for (const byte of bytes) if (byte === 0xff) full++
  if (full > SATURATED_BYTES) return undefined
  return ({ bits }) => bits.every((bit) => bytes.readUInt8(byteOf(bit)) & maskOf(bit))
}
