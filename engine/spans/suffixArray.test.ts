// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Random } from '#math/random.ts'
import { must } from '#test/must.ts'
import { suffixArray } from './suffixArray.ts'

/** Compares suffixes symbol by symbol. */
function naive(text: Int32Array): number[] {
  const before = (a: number, b: number): number => {
    for (; a < text.length && b < text.length; a++, b++) if (text[a] !== text[b]) return must(text[a]) - must(text[b])
    return b - a
  }
  return [...text.keys()].sort(before)
}

/** Checks the order in linear time: a permutation, ascending by first symbol and then by the rank of the rest. */
function isSorted(text: Int32Array, order: Int32Array): boolean {
  const rank = new Int32Array(text.length + 1).fill(-1)
  for (let i = 0; i < order.length; i++) rank[must(order[i])] = i
  if (rank.subarray(0, text.length).includes(-1) || order.length !== text.length) return false
  for (let i = 1; i < order.length; i++) {
    const [a, b] = [must(order[i - 1]), must(order[i])]
    if (must(text[a]) > must(text[b]) || (text[a] === text[b] && must(rank[a + 1]) > must(rank[b + 1]))) return false
  }
  return true
}

describe('a suffix array', () => {
  test.each([1, 2, 3, 5, 100, 100_000])('of random text over %d symbols equals plain sorting', (alphabet) => {
    fc.assert(
      fc.property(fc.array(fc.nat(alphabet - 1), { maxLength: 200 }), (list) => {
        const text = Int32Array.from(list)
        expect([...suffixArray(text, alphabet)]).toEqual(naive(text))
      }),
      { numRuns: 200 },
    )
  })

  test('of every text of up to eight symbols from three equals plain sorting', () => {
    for (let length = 0; length <= 8; length++) {
      for (let code = 0; code < 3 ** length; code++) {
        const text = Int32Array.from({ length }, (_, i) => Math.floor(code / 3 ** i) % 3)
        if (`${suffixArray(text, 3)}` !== `${naive(text)}`) expect.fail(`${text} is sorted wrongly`)
      }
    }
  })

  test('of repetitive text, where recursion goes deep, is in order', () => {
    let [a, b] = ['0', '01']
    while (b.length < 200_000) [a, b] = [b, b + a] // the Fibonacci word
    const texts = [
      Int32Array.from(b, Number),
      new Int32Array(100_000),
      Int32Array.from({ length: 100_000 }, (_, i) => i % 7),
      Int32Array.from({ length: 100_000 }, (_, i) => 100_000 - i),
      Int32Array.from({ length: 1 << 17 }, (_, i) => (i.toString(2).split('1').length - 1) % 2), // Thue-Morse
    ]
    for (const text of texts) expect(isSorted(text, suffixArray(text, 100_001))).toBe(true)
  })

  test('of half a million random tokens is in order', () => {
    const random = new Random('tokens')
    const text = Int32Array.from({ length: 500_000 }, () => Math.floor(4000 * random.uniform() ** 3))
    expect(isSorted(text, suffixArray(text, 4000))).toBe(true)
  })

  test('of symbols outside the alphabet is rejected', () => {
    expect(() => suffixArray(Int32Array.of(0, 3), 3)).toThrow('Symbol 1 is 3')
    expect(() => suffixArray(Int32Array.of(-1), 3)).toThrow('Symbol 0 is -1')
  })
})
