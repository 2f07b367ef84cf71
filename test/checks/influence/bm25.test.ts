import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Bm25 } from './bm25.ts'

test('ranks by rare shared words, and agrees with the formula', () => {
  const words = (text: string) => text.split(' ')
  const index = new Bm25(['the cat sat', 'the dog sat on the cat', 'the bird'].map(words))
  const [cat = 0, dog = 0, bird] = index.scores(words('bird the'))
  expect(bird).toBeGreaterThan(Math.max(cat, dog))
  const rarity = Math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
  const expected = (rarity * 1 * 2.2) / (1 + 1.2 * (0.25 + (0.75 * 3) / (11 / 3)))
  expect(index.scores(['cat'])[0]).toBeCloseTo(expected, 12)
  expect(Array.from(index.scores(['fish']))).toEqual([0, 0, 0])
})

test('never scores below zero', () => {
  const token = fc.nat(5)
  fc.assert(
    fc.property(fc.array(fc.array(token), { minLength: 1 }), fc.array(token), (list, query) => {
      for (const score of new Bm25(list).scores(query)) expect(score).toBeGreaterThanOrEqual(0)
    }),
  )
  expect(new Bm25<number>([]).scores([1])).toEqual(new Float64Array(0))
})
