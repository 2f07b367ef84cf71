import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NEWCOMER, rateReputation, TIERS, updateReputation, wilsonLower } from './reputation.ts'

const bound = (s: number, f: number) =>
  Number(wilsonLower({ successes: BigInt(s) * 1_000_000n, failures: BigInt(f) * 1_000_000n }))

/** The textbook formula in floats. */
function textbook(s: number, f: number): number {
  const [n, z] = [s + f, 1.959964]
  const p = s / n
  return (p + (z * z) / (2 * n) - z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n)
}

test.each([
  [81, 263 - 81, 255_289],
  [10, 0, 722_467],
  [0, 10, 0],
])('Wilson of %d successes and %d failures', (s, f, expected) =>
  expect(Math.abs(bound(s, f) - expected)).toBeLessThanOrEqual(1),
)

test('the integer bound equals the textbook one and never exceeds it', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.nat(100_000), (s, f) => {
      fc.pre(s + f > 0)
      const difference = textbook(s, f) * 1e6 - bound(s, f)
      expect(difference).toBeGreaterThan(-1e-3)
      expect(difference).toBeLessThan(2)
    }),
  )
})

test('where the rounding margin decides, the bound is 1 ppm lower rather than higher', () => {
  // Without failures the bound is n / (n + z²): for this n it is 10⁻¹³ above 999,999 ppm.
  expect(wilsonLower({ successes: 3_841_455_039_838n, failures: 0n })).toBe(999_998n)
})

test('a tier begins exactly at its required bound', () => {
  const rated = (successes: bigint) => ({ epoch: 1n, successes, failures: 0n })
  TIERS.forEach(({ name, needs }, tier) => {
    let [below, reached] = [-1n, 30_000_000n]
    while (reached - below > 1n) {
      const middle = (below + reached) / 2n
      if (wilsonLower(rated(middle)) < needs) below = middle
      else reached = middle
    }
    expect(rateReputation(rated(reached))).toEqual({ value: needs, tier, name })
    if (tier > 0) expect(rateReputation(rated(reached - 1n))).toMatchObject({ value: needs - 1n, tier: tier - 1 })
  })
})

test('counts lose 5 % in each epoch, floored each time, before the results of the epoch are added', () => {
  const before = { epoch: 7n, successes: 1_000_001n, failures: 20n }
  const news = (epoch: bigint) => updateReputation(before, { epoch, successes: 1n, failures: 2n })
  expect(news(7n)).toEqual({ epoch: 7n, successes: 2_000_001n, failures: 2_000_020n })
  expect(news(8n)).toEqual({ epoch: 8n, successes: 1_950_000n, failures: 2_000_019n })
  expect(news(9n)).toEqual({ epoch: 9n, successes: 1_902_500n, failures: 2_000_018n })
  // The cost depends on the counts, not on the length of the absence.
  expect(news(10n ** 18n)).toEqual({ epoch: 10n ** 18n, successes: 1_000_000n, failures: 2_000_000n })
})

test('newcomers start lowest, rise with successes, and fall with time and failures', () => {
  expect(rateReputation(NEWCOMER)).toEqual({ value: 0n, tier: 0, name: 'newcomer' })
  const ten = updateReputation(NEWCOMER, { epoch: 1n, successes: 10n, failures: 0n })
  expect(rateReputation(ten).name).toBe('trusted')
  const fifty = updateReputation(ten, { epoch: 2n, successes: 50n, failures: 1n })
  expect(rateReputation(fifty).name).toBe('expert')
  expect(rateReputation(updateReputation(fifty, { epoch: 80n, successes: 0n, failures: 0n })).tier).toBeLessThan(3)
  expect(rateReputation(updateReputation(fifty, { epoch: 3n, successes: 0n, failures: 60n })).tier).toBe(0)
  expect(rateReputation(updateReputation(fifty, { epoch: 1_000_000n, successes: 0n, failures: 0n })).tier).toBe(0)
})

test('going back in time is refused', () => {
  expect(() => updateReputation({ ...NEWCOMER, epoch: 5n }, { epoch: 4n, successes: 0n, failures: 0n })).toThrow(
    /before/,
  )
})
