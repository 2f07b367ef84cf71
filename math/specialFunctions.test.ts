import { expect, test } from 'vitest'
import { logGamma, regularisedBeta, upperGamma } from './specialFunctions.ts'

const close = (actual: number, expected: number, relative = 1e-9) =>
  expect(Math.abs(actual - expected) / Math.abs(expected)).toBeLessThan(relative)

test('the incomplete beta function has its closed forms', () => {
  close(regularisedBeta(0.3, 1, 1), 0.3)
  close(regularisedBeta(0.3, 2, 1), 0.09)
  close(regularisedBeta(0.7, 3, 2), 4 * 0.7 ** 3 - 3 * 0.7 ** 4)
  expect(regularisedBeta(0, 2, 2)).toBe(0)
  expect(regularisedBeta(1, 2, 2)).toBe(1)
})

test.each([0, 0.5, 1.9, 2.1, 30])('Q(1, %d) is the exponential tail', (x) =>
  close(upperGamma(1, x), Math.exp(-x), 1e-13),
)

test('ln Γ is the factorial and √π', () => {
  close(logGamma(11), Math.log(3_628_800), 1e-14)
  close(logGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-13)
})
