/** Rule 10 (reward map): the order of hashes in the Merkle tree, for millions of them. */
// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

/** Bytes of a hash. */
export const HASH_BYTES = 32

/** Compares the hashes with the indices `a` and `b`: negative, 0 or positive. */
export function compareHashes(bytes: Uint8Array, a: number, b: number): number {
  for (let i = 0; i < HASH_BYTES; i++) {
    const difference = bytes[a * HASH_BYTES + i]! - bytes[b * HASH_BYTES + i]!
    if (difference !== 0) return difference
  }
  return 0
}

/** Indices of the `count` hashes in ascending order; equal ones keep their order. Insertion sort orders the few neighbours whose leading bits
 *  are equal. */
export function hashOrder(bytes: Uint8Array, count: number): Uint32Array {
  const order = leadingOrder(bytes, count)
  for (let i = 1; i < count; i++)
    for (let j = i; j > 0 && compareHashes(bytes, order[j - 1]!, order[j]!) > 0; j--)
      [order[j - 1], order[j]] = [order[j]!, order[j - 1]!]
  return order
}

/** Indices of the hashes in ascending order of their leading bits. A float holds 53 bits exactly: as many leading bits as fit, followed by the
 *  index, sorted as numbers. */
export function leadingOrder(bytes: Uint8Array, count: number): Uint32Array {
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, count)))
  const cut = 2 ** Math.max(0, 48 - 53 + Math.log2(size))
  const keys = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    let lead = 0
    for (let byte = 0; byte < 6; byte++) lead = lead * 256 + bytes[i * HASH_BYTES + byte]!
    keys[i] = Math.floor(lead / cut) * size + i
  }
  return Uint32Array.from(keys.sort(), (key) => key % size)
}
