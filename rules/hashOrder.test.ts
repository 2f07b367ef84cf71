import fc from 'fast-check'
import { bytesToHex } from 'viem'
import { expect, test } from 'vitest'
import { compareHashes, hashOrder, leadingOrder } from './hashOrder.ts'

const hashesOf = (bytes: Uint8Array) =>
  Array.from({ length: bytes.length / 32 }, (_, i) => bytesToHex(bytes.subarray(32 * i, 32 * i + 32)))

/** The hashes in the stable order of their hexadecimal texts. */
function plainOrder(bytes: Uint8Array): number[] {
  const hashes = hashesOf(bytes).map((hash, i) => ({ hash, i }))
  return hashes.sort((a, b) => (a.hash < b.hash ? -1 : Number(a.hash > b.hash))).map(({ i }) => i)
}

test('random hashes are sorted by their leading bits alone', () => {
  // The high bits are set, so that a key takes all 53 bits of a float.
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 200 }), fc.infiniteStream(fc.nat(255)), (count, stream) => {
      const bytes = Uint8Array.from([...stream.take(32 * count)], (value, i) => (i % 32 === 0 ? value | 0xf0 : value))
      fc.pre(new Set(hashesOf(bytes).map((hash) => hash.slice(0, 12))).size === count)
      expect([...leadingOrder(bytes, count)]).toEqual(plainOrder(bytes))
    }),
  )
})

test('hashes that differ in a single byte, and equal ones, come in stable order', () => {
  const row = fc.array(fc.tuple(fc.nat(31), fc.nat(2)), { maxLength: 20 })
  fc.assert(
    fc.property(row, (changes) => {
      const bytes = new Uint8Array(32 * changes.length)
      for (const [i, [at, value]] of changes.entries()) bytes[32 * i + at] = value
      expect([...hashOrder(bytes, changes.length)]).toEqual(plainOrder(bytes))
    }),
    { numRuns: 500 },
  )
})

test('equal hashes compare as equal, whatever bytes follow them', () => {
  const bytes = new Uint8Array(96)
  bytes[64] = 1
  expect([compareHashes(bytes, 0, 1), compareHashes(bytes, 1, 2), compareHashes(bytes, 2, 1)]).toEqual([0, -1, 1])
})
