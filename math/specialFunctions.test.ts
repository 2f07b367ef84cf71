import fc from 'fast-check'
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

test('with whole parameters the incomplete beta function is a binomial tail, and small ones keep their digits', () => {
  const whole = fc.integer({ min: 1, max: 40 })
  fc.assert(
    fc.property(whole, whole, fc.double({ min: 1e-3, max: 1 - 1e-3, noNaN: true }), (a, b, x) => {
      const n = a + b - 1
      let [ways, tail] = [1, 0]
      for (let k = 0; k <= n; k++) {
        if (k >= a) tail += ways * x ** k * (1 - x) ** (n - k)
        ways = (ways * (n - k)) / (k + 1)
      }
      expect(Math.abs(regularisedBeta(x, a, b) - tail)).toBeLessThan(1e-12)
    }),
  )
  for (const x of [1e-12, 1e-6, 1e-3]) close(regularisedBeta(x, 1, 100), -Math.expm1(100 * Math.log1p(-x)), 1e-13)
})

test('with a whole parameter the incomplete gamma function is a Poisson sum, far tails included', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.double({ min: 0, max: 60, noNaN: true }), (a, x) => {
      let [term, sum] = [1, 0]
      for (let k = 0; k < a; k++) {
        sum += term
        term *= x / (k + 1)
      }
      close(upperGamma(a, x), sum * Math.exp(-x), 1e-11)
    }),
  )
})
