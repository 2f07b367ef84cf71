import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import {
  attributionWeights,
  benjaminiHochberg,
  harmSlash,
  influenceInUnits,
  P_WHOLE,
  recordInfluence,
} from './attribution.ts'

const p = (value: number) => BigInt(Math.round(value * 1e12))
const sample = (id: string, influence: number, standardError: number, uniqueness = 1_000_000n, items = 200) => ({
  ...recordInfluence({ contributionId: id, influence, standardError }, items),
  uniqueness,
})

/** Seeded standard normal draws (Box and Muller over a congruential generator). */
function normals(seed: number): () => number {
  const uniform = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) + 0.5) / 2 ** 32
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

describe('Benjamini and Hochberg', () => {
  test('the example of the paper: 4 of 15 are significant at 5 %', () => {
    const published = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1,
    ]
    expect(benjaminiHochberg(published.map(p)).filter(Boolean)).toHaveLength(4)
  })

  test('a later value can make earlier ones significant', () => {
    expect(benjaminiHochberg([0.04, 0.04, 0.05].map(p))).toEqual([true, true, true])
    expect(benjaminiHochberg([])).toEqual([])
  })

  test('equals the definition on every input', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 })), (values) => {
        const pValues = values.map((value) => p(value / 1000))
        const rank = (value: bigint) => pValues.filter((other) => other <= value).length
        const limit = pValues.filter((v) => v * BigInt(values.length) * 20n <= BigInt(rank(v)) * P_WHOLE)
        const highest = limit.reduce((a, b) => (a > b ? a : b), -1n)
        expect(benjaminiHochberg(pValues)).toEqual(pValues.map((value) => value <= highest))
      }),
    )
  })
})

test('weights are influence × uniqueness of significant contributions, and their shares never exceed one', () => {
  const { weights, total } = attributionWeights([
    sample('a', 0.3, 0.01),
    sample('b', 0.3, 0.01, 500_000n),
    sample('c', 0.001, 0.1),
    sample('copy', 0.3, 0.01, 0n),
  ])
  expect(weights.map((w) => w.weightPpm)).toEqual([666_666n, 333_333n, 0n, 0n])
  expect(total).toBe(300_000_000n * 1_500_000n)
  expect(weights.slice(1).map((w) => w.reason)).toEqual([
    'Helped the validation set: influence 300000000e-9 × uniqueness 500000 ppm.',
    expect.stringMatching(/chance/),
    expect.stringMatching(/uniqueness is 0/),
  ])
})

test('the standing of a sample is the part of its influence that it adds, times its uniqueness; whatever its influence is where it repeats nothing', () => {
  const standings = (influence: bigint, added?: bigint) => {
    const measured = { contributionId: 'a', influence, standardError: 1n, pPositive: 0n, pNegative: 0n }
    const whole = {
      ...measured,
      uniqueness: 800_000n,
      ...(added !== undefined && { added: { ...measured, influence: added } }),
    }
    return attributionWeights([whole]).weights.map(({ standing }) => standing)
  }
  for (const influence of [9n, 0n, -9n]) expect(standings(influence)).toEqual([800_000n])
  expect([9n, 6n, 1n, 0n, -1n].map((added) => standings(9n, added))).toEqual([
    [800_000n],
    [533_333n],
    [88_888n],
    [0n],
    [0n],
  ])
})

test('ten thousand noise samples earn almost nothing beside fifty good ones', () => {
  const draw = normals(7)
  const good = Array.from({ length: 50 }, (_, i) => sample(`good ${i}`, 0.5 + 0.1 * draw(), 0.1))
  const noise = Array.from({ length: 10_000 }, (_, i) => sample(`noise ${i}`, 0.1 * draw(), 0.1))
  const { weights } = attributionWeights([...good, ...noise])
  const share = (prefix: string) =>
    weights.filter((w) => w.contributionId.startsWith(prefix)).reduce((sum, w) => sum + w.weightPpm, 0n)
  expect(share('noise') < 60_000n).toBe(true)
  expect(share('good') > 930_000n).toBe(true)
})

test('copies of a helpful sample do not lower the bar for noise', () => {
  const good = sample('good', 0.5, 0.1)
  const noise = Array.from({ length: 100 }, (_, i) => sample(`noise ${i}`, 0.21, 0.1))
  const copies = Array.from({ length: 900 }, (_, i) => sample(`copy ${i}`, 0.5, 0.1, 0n))
  const helped = (samples: ReturnType<typeof sample>[]) =>
    attributionWeights(samples).weights.filter((w) => w.weight > 0n).length
  const lone = [good, ...noise.slice(0, 10), ...Array.from({ length: 90 }, (_, i) => sample(`null ${i}`, 0, 0.1))]
  expect(helped([...lone, ...copies])).toBe(helped(lone))
})

test('clearly harmful samples are listed, those that may be chance are not', () => {
  const draw = normals(3)
  const neutral = Array.from({ length: 1_000 }, (_, i) => sample(`n${i}`, 0.1 * draw(), 0.1))
  const { harmful, weights } = attributionWeights([sample('poison', -0.9, 0.1), ...neutral])
  expect(must(harmful[0]).contributionId).toBe('poison')
  expect(harmful.length).toBeLessThan(4)
  expect(must(weights[0]).reason).toMatch(/Harmed/)
})

test('the p-values are those of Student’s t with one degree of freedom less than there are items', () => {
  const recorded = (items: number) => recordInfluence({ contributionId: 'a', influence: 1, standardError: 1 }, items)
  // P(T ≥ 1) is ¼ with one degree of freedom, ½ − √3/6 with two.
  expect(recorded(2)).toMatchObject({ pPositive: p(0.25), pNegative: p(0.75) })
  expect(recorded(3)).toMatchObject({ pPositive: p(0.5 - Math.sqrt(3) / 6), pNegative: p(0.5 + Math.sqrt(3) / 6) })
})

test('a p-value alone decides nothing: the sign of the influence must agree', () => {
  const given = { standardError: 1n, pPositive: 0n, pNegative: 0n, uniqueness: 1_000_000n }
  const samples = [-1n, 0n, 1n].map((influence) => ({ ...given, contributionId: `${influence}`, influence }))
  const { weights, harmful } = attributionWeights(samples)
  expect(weights.map((one) => one.weight)).toEqual([0n, 0n, 1_000_000n])
  expect(harmful.map((one) => one.contributionId)).toEqual(['-1'])
})

test('no variance or a single validation item is no evidence', () => {
  const { weights, harmful } = attributionWeights([
    sample('a', 9, 0),
    sample('b', -9, 0),
    sample('c', 9, 0.1, 1_000_000n, 1),
  ])
  expect(weights.every((w) => w.weight === 0n)).toBe(true)
  expect(harmful).toEqual([])
})

test('a failed measurement or one given twice is refused', () => {
  expect(() => sample('a', Number.NaN, 1)).toThrow(/cannot be recorded/)
  expect(() => sample('a', 1, -1)).toThrow(/negative/)
  expect(() => attributionWeights([sample('a', 1, 1), sample('a', 1, 1)])).toThrow(/twice/)
})

test('harm costs a tenth of the stake, floored', () => {
  expect([0n, 9n, 10n, 199n].map(harmSlash)).toEqual([0n, 0n, 1n, 19n])
})

test('a recorded influence is shown in the unit of its measurement', () => {
  expect(influenceInUnits(sample('a', -0.25, 0.5).influence)).toBe(-0.25)
})
