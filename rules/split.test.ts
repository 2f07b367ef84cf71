import fc from 'fast-check'
import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { checkTerms, type SplitTerms, splitInherited, splitPot, splitServed, takePlatform } from './split.ts'

const terms: SplitTerms = {
  platform: 500n,
  owner: 2_000n,
  stakers: 1_000n,
  data: 4_000n,
  validators: 1_000n,
  host: 2_000n,
  ancestors: 1_000n,
  dataByWeight: 5_000n,
  unattributedByWeight: false,
}
const wei = fc.bigInt({ min: 0n, max: 10n ** 27n })
const sum = (values: bigint[]) => values.reduce((a, b) => a + b, 0n)

test('shares and remainder sum to the pot; splitting a weight never gains', () => {
  fc.assert(
    fc.property(
      wei,
      fc.array(wei, { minLength: 1, maxLength: 8 }),
      fc.bigInt({ min: 0n, max: 10_000n }),
      (pot, weights, cut) => {
        const whole = splitPot(pot, weights)
        expect(sum(whole.shares) + whole.left).toBe(pot)
        const part = (must(weights[0]) * cut) / 10_000n
        const split = splitPot(pot, [part, must(weights[0]) - part, ...weights.slice(1)])
        expect(must(split.shares[0]) + must(split.shares[1]) <= must(whole.shares[0])).toBe(true)
        expect(split.shares.slice(2)).toEqual(whole.shares.slice(1))
      },
    ),
  )
})

test('weights that are all zero leave the whole pot', () => {
  expect(splitPot(7n, [0n, 0n])).toEqual({ shares: [0n, 0n], left: 7n })
})

test('every wei of a version goes to a pot, to the platform or to the remainder', () => {
  fc.assert(
    fc.property(wei, (fees) => {
      const { platform, rest } = takePlatform(fees, terms)
      const { pots, left } = splitServed(rest, terms)
      expect(platform + sum(Object.values(pots)) + left).toBe(fees)
      const inherited = splitInherited(rest, terms)
      expect(sum(Object.values(inherited.pots)) + inherited.left).toBe(rest)
      expect(left < 5n && inherited.left < 4n).toBe(true)
    }),
  )
})

test('100,000 is split as the mandate says', () => {
  expect(splitServed(100_000n, terms).pots).toEqual({
    owner: 20_000n,
    stakers: 10_000n,
    data: 20_000n,
    answers: 20_000n,
    validators: 10_000n,
    host: 20_000n,
  })
  expect(splitInherited(80_000n, terms).pots).toMatchObject({ owner: 20_000n, data: 40_000n, answers: 0n, host: 0n })
})

test('invalid terms are refused by name', () => {
  checkTerms(terms)
  checkTerms({ ...terms, platform: 10_000n, dataByWeight: 0n, ancestors: 3_000n })
  expect(() => checkTerms({ ...terms, owner: 2_001n })).toThrow(/sum to 10001/)
  expect(() => checkTerms({ ...terms, ancestors: 3_001n })).toThrow(/ancestors/)
  expect(() => checkTerms({ ...terms, platform: -1n })).toThrow(/platform/)
  expect(() => checkTerms({ ...terms, platform: 10_001n })).toThrow(/platform/)
  expect(() => splitPot(10n, [3n, 3n], 5n)).toThrow(/exceed/)
})
