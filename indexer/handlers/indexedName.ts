import { keccak256, stringToHex } from 'viem'

/** A PostgreSQL index takes at most 2,704 bytes. */
const MAX_BYTES = 1_000

/** A name of the chain that an index has, alone or as a part of an id. A longer one is its hash, and so is one that looks like such a hash. */
export const indexedName = (name: string): string =>
  Buffer.byteLength(name) <= MAX_BYTES && !/^0x[0-9a-f]{64}$/.test(name) ? name : keccak256(stringToHex(name))
