import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LshIndex } from './minhash.ts'

test('the share of equal MinHash values estimates Jaccard similarity', () => {
  const lsh = new LshIndex(7, 256, 4)
  const grams = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `gram ${from + i}`)
  const [a, b] = [lsh.signature(grams(0, 300)), lsh.signature(grams(100, 400))]
  const equal = a.filter((value, i) => value === b[i]).length / a.length
  expect(Math.abs(equal - 0.5)).toBeLessThan(0.06)
})

/** FNV-1a and murmur3's finaliser as published, in plain integers. */
function image(text: string, permutation: bigint): bigint {
  const low = (value: bigint) => BigInt.asUintN(32, value)
  const hash = [...text].reduce(
    (sum, letter) => low((sum ^ BigInt(letter.charCodeAt(0))) * 16_777_619n),
    2_166_136_261n,
  )
  return scatter(hash ^ permutation)
}

function scatter(x: bigint): bigint {
  x = BigInt.asUintN(32, (x ^ (x >> 16n)) * 0x85ebca6bn)
  x = BigInt.asUintN(32, (x ^ (x >> 13n)) * 0xc2b2ae35n)
  return x ^ (x >> 16n)
}

test('a signature holds the smallest image under each permutation, and these follow from the seed', () => {
  const sets = fc.array(fc.string({ unit: 'grapheme-ascii' }), { maxLength: 5 })
  fc.assert(
    fc.property(sets, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (grams, seed) => {
      const expected = Array.from({ length: 64 }, (_, i) => {
        const step = BigInt.asUintN(32, BigInt(i + 1) * 0x9e3779b9n)
        const permutation = scatter(BigInt.asUintN(32, scatter(BigInt(seed)) + step))
        return grams.map((gram) => image(gram, permutation)).reduce((a, b) => (a < b ? a : b), 0xffffffffn)
      })
      expect([...new LshIndex(seed).signature(grams)].map(BigInt)).toEqual(expected)
    }),
  )
})

test('the default seed is 1', () => {
  expect(new LshIndex().signature(['a'])).toEqual(new LshIndex(1).signature(['a']))
  expect(new LshIndex(2).signature(['a'])).not.toEqual(new LshIndex(1).signature(['a']))
})

test('candidates are those that share all rows of a band, in ascending order', () => {
  // Three bands of two rows; few values, so that bands often agree.
  const signature = fc.array(fc.nat(2), { minLength: 6, maxLength: 6 }).map((values) => Uint32Array.from(values))
  fc.assert(
    fc.property(fc.array(signature, { maxLength: 12 }), signature, (members, asked) => {
      const index = new LshIndex(1, 3, 2)
      const entries = [...members.entries()].reverse()
      for (const [member, values] of entries) index.add(member, values)
      const share = (values: Uint32Array) =>
        [0, 2, 4].some((at) => values[at] === asked[at] && values[at + 1] === asked[at + 1])
      expect(index.candidates(asked)).toEqual(
        [...members.entries()].flatMap(([member, values]) => (share(values) ? [member] : [])),
      )
    }),
  )
})

test('a bucket keeps its earliest members', () => {
  const index = new LshIndex(1, 1, 1, 2)
  for (const member of [7, 3, 5]) index.add(member, Uint32Array.of(9))
  expect(index.candidates(Uint32Array.of(9))).toEqual([3, 7])
})
