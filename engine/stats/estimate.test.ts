import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Random } from '#math/random.ts'
import { meanOf } from '#math/summary.ts'
import { estimateMean, meanInterval, wilsonInterval } from './estimate.ts'
import { areaUnderCurve, bootstrapInterval, pairedDifference, rankCorrelation } from './test/comparison.ts'

/** Relative agreement with a reference value (SciPy 1.16). */
const near = (got: number, expected: number, digits = 1e-12) =>
  expect(Math.abs(got - expected)).toBeLessThanOrEqual(digits * Math.max(Math.abs(expected), 1e-300))

describe("SciPy's values", () => {
  test.each([
    [0, 10, 0.95, 0, 0.27753279986288926],
    [10, 10, 0.95, 0.7224672001371109, 1],
    [3, 7, 0.9, 0.18644319036395607, 0.7105229089864071],
    [512, 1000, 0.99, 0.4713395266216968, 0.5525022854206214],
  ])('Wilson for %d of %d', (successes, trials, confidence, low, high) => {
    const interval = wilsonInterval(successes, trials, confidence)
    expect(interval.low).toBeCloseTo(low, 12)
    expect(interval.high).toBeCloseTo(high, 12)
  })

  test('a paired comparison', () => {
    const difference = pairedDifference([0.2, 0.9, 0.4, 0.7, 0.1, 0.5], [0.1, 0.5, 0.5, 0.6, 0, 0.1])
    near(difference.mean / difference.standardError, 2.076136996343499)
    near(difference.pValue, 0.09251500555042763)
    near(difference.interval.low, -0.039692695308934656, 1e-10)
    near(difference.interval.high, 0.37302602864226797, 1e-10)
    near(difference.correlation, 0.7641400621627401)
    near(rankCorrelation([0.2, 0.9, 0.4, 0.7, 0.1, 0.5], [0.1, 0.5, 0.5, 0.6, 0, 0.1]), 0.7650368522374495)
  })
})

describe('a mean', () => {
  const values = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 2, maxLength: 30 })

  test('with every value its own cluster has the usual standard error', () => {
    fc.assert(
      fc.property(values, (list) => {
        const mean = list.reduce((a, b) => a + b) / list.length
        const variance = list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (list.length - 1)
        expect(estimateMean(list).standardError).toBeCloseTo(Math.sqrt(variance / list.length), 10)
      }),
    )
  })

  test('of answers copied within clusters has the standard error of one answer each', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 5 }), (list, copies) => {
        const copied = list.flatMap((value) => new Array(copies).fill(value))
        const clusters = list.flatMap((_, i) => new Array(copies).fill(i))
        const one = estimateMean(list)
        const many = estimateMean(copied, clusters)
        expect(many.standardError).toBeCloseTo(one.standardError, 10)
        expect(many.freedom).toBe(one.freedom)
      }),
    )
  })

  test('has intervals with the stated coverage, also with clusters', () => {
    const random = new Random('coverage')
    let covered = 0
    for (let trial = 0; trial < 1000; trial++) {
      const clusters: number[] = []
      const list: number[] = []
      for (let g = 0; g < 20; g++) {
        const shared = random.normal()
        for (let i = 0; i < 5; i++) {
          clusters.push(g)
          list.push(shared + random.normal())
        }
      }
      const { low, high } = meanInterval(estimateMean(list, clusters))
      if (low <= 0 && 0 <= high) covered++
    }
    expect(covered).toBeGreaterThan(925)
    expect(covered).toBeLessThan(975)
  })

  test('of one cluster has an unknown standard error; no values and NaN are rejected', () => {
    expect(estimateMean([1, 2], ['a', 'a']).standardError).toBeNaN()
    expect(meanInterval(estimateMean([1]))).toEqual({ low: -Infinity, high: Infinity })
    expect(() => estimateMean([])).toThrow('no values')
    expect(() => estimateMean([1, Number.NaN])).toThrow('Value 1 is NaN')
    expect(() => estimateMean([1, 2], ['a'])).toThrow('cluster labels')
    expect(() => pairedDifference([1], [1, 2])).toThrow('same questions')
    expect(() => wilsonInterval(3, 2)).toThrow('not a proportion')
    expect(() => wilsonInterval(1, 2, 1)).toThrow('confidence')
    expect(pairedDifference([1, 2], [1, 2]).pValue).toBe(1)
    expect(pairedDifference([1, 2], [0, 1]).pValue).toBe(0)
  })
})

describe('the bootstrap', () => {
  const list = new Random('sample').fillNormal(new Float64Array(200))

  test('agrees with theory on a mean, and repeats', () => {
    const interval = () => bootstrapInterval(list, meanOf, { random: new Random(1), resamples: 2000 })
    const theory = estimateMean(list)
    expect(Math.abs(interval().standardError / theory.standardError - 1)).toBeLessThan(0.06)
    expect(interval().low).toBeCloseTo(meanInterval(theory).low, 1)
    expect(interval()).toEqual(interval())
  })

  test('resamples whole clusters', () => {
    const copied = [...list].flatMap((x) => [x, x, x, x])
    const clusters = [...list].flatMap((_, i) => [i, i, i, i])
    const { standardError } = bootstrapInterval(copied, meanOf, { random: new Random(1), clusters })
    expect(Math.abs(standardError / estimateMean(list).standardError - 1)).toBeLessThan(0.1)
  })
})

test('the area under the curve counts pairs in order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), fc.boolean()), { minLength: 2 }), (list) => {
      fc.pre(list.some(([, positive]) => positive) && list.some(([, positive]) => !positive))
      let [won, pairs] = [0, 0]
      for (const [a] of list.filter(([, positive]) => positive)) {
        for (const [b] of list.filter(([, positive]) => !positive)) {
          won += a > b ? 1 : a === b ? 0.5 : 0
          pairs++
        }
      }
      const got = areaUnderCurve(
        list.map(([score]) => score),
        list.map(([, positive]) => positive),
      )
      expect(got).toBeCloseTo(won / pairs, 12)
    }),
  )
  expect(() => areaUnderCurve([1, 2], [true, true])).toThrow('both')
})
