import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contentiousness } from './contention.ts'

test('an even vote gives one million, a unanimous one 0, no vote null', () => {
  expect(contentiousness({ for: 5n, against: 5n })).toBe(1_000_000)
  expect(contentiousness({ for: 5n, against: 0n })).toBe(0)
  expect(contentiousness({ for: 2n, against: 1n })).toBe(666_666)
  expect(contentiousness({ for: 0n, against: 0n })).toBe(null)
})

test('is one minus the lead of either side as a share', () => {
  const votes = fc.bigInt({ min: 0n, max: 10n ** 30n })
  fc.assert(
    fc.property(votes, votes, (a, b) => {
      fc.pre(a + b > 0n)
      const apart = a < b ? b - a : a - b
      expect(contentiousness({ for: a, against: b })).toBe(Number(((a + b - apart) * 1_000_000n) / (a + b)))
      expect(contentiousness({ for: b, against: a })).toBe(contentiousness({ for: a, against: b }))
    }),
  )
})
