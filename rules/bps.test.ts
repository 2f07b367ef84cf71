import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BPS, mulDiv, sqrtUp } from './bps.ts'

test('flooring never creates money: complementary shares sum to at most the amount', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.bigInt({ min: 0n, max: BPS }), (amount, share) => {
      const total = mulDiv(amount, share, BPS) + mulDiv(amount, BPS - share, BPS)
      expect(total <= amount && amount - total <= 1n).toBe(true)
    }),
  )
})

test('a negative amount or a whole of zero is refused', () => {
  expect(() => mulDiv(-1n, 1n, 1n)).toThrow(/negative/)
  expect(() => mulDiv(1n, -1n, 1n)).toThrow(/negative/)
  expect(() => mulDiv(1n, 1n, 0n)).toThrow(/positive/)
})

test('the root is rounded up: exact for squares, one more directly after them', () => {
  const root = (value: bigint) => {
    const found = sqrtUp(value)
    expect(found * found >= value && (found === 0n || (found - 1n) * (found - 1n) < value)).toBe(true)
  }
  for (let value = 0n; value <= 130n; value++) root(value)
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 10n ** 30n }), (x) => {
      for (const value of [x, x * x - 1n, x * x, x * x + 1n]) root(value)
    }),
  )
})
