import { expect, test } from 'vitest'
import { logGamma, quantise, regularisedBeta, upperTail } from './statistics.ts'

const close = (actual: number, expected: number, relative = 1e-9) =>
  expect(Math.abs(actual - expected) / Math.abs(expected)).toBeLessThan(relative)

test.each([
  [0, 0.5],
  [1, 0.15865525393145705],
  [1.6448536269514722, 0.05],
  [1.959963984540054, 0.025],
  [-1, 0.8413447460685429],
  [3, 0.0013498980316300933],
  [6, 9.865876450376946e-10],
  [10, 7.61985302416052e-24],
])('the normal tail beyond %d', (z, p) => close(upperTail(z), p))

test.each([
  [2.015048373333023, 5, 0.05],
  [1.812461122811676, 10, 0.05],
  [2.2281388519649385, 10, 0.025],
  [6.313751514675043, 1, 0.05],
  [-1.812461122811676, 10, 0.95],
])('the tail of t beyond %d with %d degrees of freedom', (t, df, p) => close(upperTail(t, df), p))

test('with many degrees of freedom t is normal', () => close(upperTail(2, 1e7), upperTail(2), 1e-5))

test('the incomplete beta function has its closed forms', () => {
  close(regularisedBeta(0.3, 1, 1), 0.3)
  close(regularisedBeta(0.3, 2, 1), 0.09)
  close(regularisedBeta(0.7, 3, 2), 4 * 0.7 ** 3 - 3 * 0.7 ** 4)
  expect(regularisedBeta(0, 2, 2)).toBe(0)
  expect(regularisedBeta(1, 2, 2)).toBe(1)
})

test('ln Γ is the factorial and √π', () => {
  close(logGamma(11), Math.log(3_628_800), 1e-14)
  close(logGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-13)
})

test('only finite values are recorded', () => {
  expect(quantise(0.1234567, 1_000_000n)).toBe(123457n)
  expect(quantise(-2.5e-6, 1_000_000n)).toBe(-2n)
  expect(() => quantise(Number.NaN, 1n)).toThrow(/measurement/)
})
