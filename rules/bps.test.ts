import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BPS, mulDiv } from './bps.ts'

test('flooring never creates money: complementary shares sum to at most the amount', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.bigInt({ min: 0n, max: BPS }), (amount, share) => {
      const total = mulDiv(amount, share, BPS) + mulDiv(amount, BPS - share, BPS)
      expect(total <= amount && amount - total <= 1n).toBe(true)
    }),
  )
})

test('a negative amount or an empty whole is refused', () => {
  expect(() => mulDiv(-1n, 1n, 1n)).toThrow(/negative/)
  expect(() => mulDiv(1n, -1n, 1n)).toThrow(/negative/)
  expect(() => mulDiv(1n, 1n, 0n)).toThrow(/positive/)
})
