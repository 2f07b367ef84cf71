import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fallenTargets, itemsOfPart, type MeasuredMetric, partsOfItems, pooled } from './rollingEvaluation.ts'

const measured = (score: number, half: number, n = 40, metric = 'exact'): MeasuredMetric => ({
  ...{ metric, score: BigInt(score), lower: BigInt(score - half), upper: BigInt(score + half), n: BigInt(n) },
})
const target = (minimum: number, metric = 'exact') => ({ metric, minimum: BigInt(minimum), mayFall: false })

test('parts are joined by their items, and their errors as those of independent measurements', () => {
  expect(pooled([measured(600_000, 30_000, 10), measured(800_000, 40_000, 30)])).toEqual({
    ...{ score: 750_000n, n: 40n },
    // sqrt((10 · 30000)² + (30 · 40000)²) / 40 = 30923.2…
    ...{ lower: 750_000n - 30_924n, upper: 750_000n + 30_924n },
  })
  // sqrt(1 + 1) / 2 = 0.7…, and one for the rounding
  expect(pooled([measured(-5, 1, 1), measured(0, 1, 1)])).toEqual({ score: -3n, lower: -4n, upper: -2n, n: 2n })
  expect(pooled([measured(-6, 0, 1), measured(0, 0, 1)])).toEqual({ score: -3n, lower: -4n, upper: -2n, n: 2n })
  expect(() => pooled([])).toThrow('no items')
})

test('one part alone is itself, but for the last ppm', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -9e6, max: 9e6 }),
      fc.integer({ min: 0, max: 1e6 }),
      fc.integer({ min: 1, max: 500 }),
      (score, half, n) => {
        const one = measured(score, half, n)
        const { score: mean, lower, upper } = pooled([one])
        expect(mean).toBe(one.score)
        expect(Number(one.lower - lower)).toBe(1)
        expect(Number(upper - one.upper)).toBe(1)
      },
    ),
  )
})

test('a target has fallen when the whole interval is below it, and every part measured it', () => {
  const below = [measured(600_000, 90_000), measured(610_000, 90_000)]
  const rotation = below.map((one) => [one])
  expect(fallenTargets([target(700_000)], rotation)).toEqual([
    {
      metric: 'exact',
      reason: 'exact 0.605 (0.54136 to 0.66864, 80 items) is below 0.7 at the upper confidence bound.',
    },
  ])
  expect(fallenTargets([target(668_640)], rotation)).toEqual([])
  expect(fallenTargets([target(668_641)], rotation)).toHaveLength(1)
  expect(fallenTargets([target(700_000), target(0, 'other')], rotation)).toHaveLength(1)
  expect(fallenTargets([target(700_000)], [[below[0] as MeasuredMetric], []])).toEqual([])
  expect(fallenTargets([target(700_000)], [])).toEqual([])
  const besides = below.map((one) => [measured(1, 1, 40, 'other'), one])
  expect(fallenTargets([target(668_640), target(668_641)], besides)).toHaveLength(1)
})

test('every item is in one part, and no part tells of single items', () => {
  const items = Array.from({ length: 47 }, (_, id) => id)
  const parts = [0, 1, 2, 3].map((part) => itemsOfPart(items, part, 4))
  expect(parts.map(({ length }) => length)).toEqual([12, 12, 12, 11])
  expect(parts.flat().sort((a, b) => a - b)).toEqual(items)
  expect([partsOfItems(160, 4), partsOfItems(39, 4), partsOfItems(19, 4), partsOfItems(3, 4)]).toEqual([4, 3, 1, 1])
})
