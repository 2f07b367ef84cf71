import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  normalCdf,
  normalQuantile,
  normalUpperTail,
  studentCdf,
  studentQuantile,
  studentUpperTail,
} from './distributions.ts'

/** Relative agreement with a reference value (SciPy 1.16). */
const near = (actual: number, expected: number, digits = 1e-12) =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(digits * Math.max(Math.abs(expected), 1e-300))

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
])('the normal tail beyond %d', (z, p) => close(normalUpperTail(z), p))

test.each([
  [2.015048373333023, 5, 0.05],
  [1.812461122811676, 10, 0.05],
  [2.2281388519649385, 10, 0.025],
  [6.313751514675043, 1, 0.05],
  [-1.812461122811676, 10, 0.95],
])('the tail of t beyond %d with %d degrees of freedom', (t, df, p) => close(studentUpperTail(t, df), p))

test('with many degrees of freedom t is normal', () => close(studentUpperTail(2, 1e7), normalUpperTail(2), 1e-5))

describe("SciPy's values", () => {
  test.each([
    [-12, 1.776482112077653e-33],
    [-6, 9.865876450376946e-10],
    [-3.3, 0.00048342414238377744],
    [-1.7, 0.04456546275854304],
    [-0.4, 0.3445782583896758],
    [0, 0.5],
    [0.05, 0.5199388058383725],
    [1.73, 0.9581848623864051],
    [5, 0.9999997133484281],
  ])('normal below %d', (z, p) => near(normalCdf(z), p))

  test.each([
    [1e-12, -7.034483825301131],
    [1e-5, -4.264890793922825],
    [0.3, -0.5244005127080409],
    [0.5, 0],
    [0.975, 1.959963984540054],
    [0.9999, 3.719016485455709],
  ])('normal quantile at %d', (p, z) => near(normalQuantile(p), z))

  test.each([
    [-40, 3, 1.7190340394579253e-5],
    [-2.5, 1, 0.12111894159084341],
    [-1, 2.5, 0.20203051363913682],
    [0.1, 4, 0.5374220795302733],
    [1.3, 7, 0.8826160823038114],
    [2.2, 30, 0.9821757800015821],
    [-3, 200, 0.0015215235569529524],
    [-1.96, 10000, 0.025011760115916513],
  ])('Student below %d with %d degrees', (t, freedom, p) => near(studentCdf(t, freedom), p, 1e-10))

  test.each([
    [0.975, 1, 12.706204736174694],
    [0.975, 9, 2.262157162798205],
    [0.995, 30, 2.7499956535672254],
    [0.1, 4, -1.5332062740589436],
    [1e-6, 5, -24.771029720515948],
  ])('Student quantile at %d with %d degrees', (p, freedom, t) => near(studentQuantile(p, freedom), t, 1e-10))
})

test('quantiles invert distribution functions', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }),
      fc.double({ min: 0.5, max: 300, noNaN: true }),
      (p, freedom) => {
        near(normalCdf(normalQuantile(p)), p, 1e-9)
        near(studentCdf(studentQuantile(p, freedom), freedom), p, 1e-9)
      },
    ),
  )
  expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity])
  near(studentQuantile(0.975, Infinity), normalQuantile(0.975))
})

test('infinities and NaN have their limits', () => {
  expect([normalCdf(Infinity), normalUpperTail(Infinity), normalUpperTail(-Infinity)]).toEqual([1, 0, 1])
  expect([studentCdf(Infinity, 3), studentUpperTail(-Infinity, 3)]).toEqual([1, 1])
  expect(normalCdf(Number.NaN)).toBeNaN()
  expect(studentCdf(Number.NaN, 3)).toBeNaN()
  expect(() => studentCdf(0, 0)).toThrow('degrees of freedom')
  for (const wrong of [-0.1, 1.5])
    expect(() => normalQuantile(wrong)).toThrow(`probability is from 0 to 1, not ${wrong}`)
})
