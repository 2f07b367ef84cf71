import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NEWCOMER, standing, updateReputation, wilsonLower } from './reputation.ts'

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

test('newcomers start lowest, rise with a record, and fall with age and failure', () => {
  expect(standing(NEWCOMER)).toEqual({ value: 0n, tier: 0, name: 'newcomer' })
  const ten = updateReputation(NEWCOMER, { epoch: 1n, successes: 10n, failures: 0n })
  expect(standing(ten).name).toBe('trusted')
  const fifty = updateReputation(ten, { epoch: 2n, successes: 50n, failures: 1n })
  expect(standing(fifty).name).toBe('expert')
  expect(standing(updateReputation(fifty, { epoch: 80n, successes: 0n, failures: 0n })).tier).toBeLessThan(3)
  expect(standing(updateReputation(fifty, { epoch: 3n, successes: 0n, failures: 60n })).tier).toBe(0)
  expect(standing(updateReputation(fifty, { epoch: 1_000_000n, successes: 0n, failures: 0n })).tier).toBe(0)
})

test('going back in time is refused', () => {
  expect(() => updateReputation({ ...NEWCOMER, epoch: 5n }, { epoch: 4n, successes: 0n, failures: 0n })).toThrow(
    /before/,
  )
})
