import { expect, test } from 'vitest'
import { meanOf, populationVariance, sampleVariance, sumOf } from './summary.ts'

test('sums, means and variances of arrays and typed arrays', () => {
  for (const values of [[1, 2, 3, 6], Float32Array.of(1, 2, 3, 6)]) {
    expect(sumOf(values)).toBe(12)
    expect(meanOf(values)).toBe(3)
    expect(populationVariance(values)).toBe(3.5)
    expect(sampleVariance(values)).toBeCloseTo(14 / 3, 14)
  }
})

test('what too few values leave unknown is NaN', () => {
  expect(sumOf([])).toBe(0)
  for (const unknown of [meanOf([]), populationVariance([]), sampleVariance([]), sampleVariance([1])])
    expect(unknown).toBeNaN()
  expect(sampleVariance([1, 3])).toBe(2)
})
