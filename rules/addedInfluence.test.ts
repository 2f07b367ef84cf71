import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addedInfluences } from './addedInfluence.ts'
import { attributionWeights, recordInfluence } from './attribution.ts'

const measured = (contributionId: string, influence: number, held: [string, bigint][] = []) => ({
  ...recordInfluence({ contributionId, influence, standardError: 0.01 }, 100),
  similar: held.map(([id, share]) => ({ id, held: share })),
})

const added = (...samples: ReturnType<typeof measured>[]) =>
  addedInfluences(samples, 100).map(({ influence }) => Number(influence) / 1e9)

test('what a sample holds of an earlier one counts from 60 %, and wholly from 70 %', () => {
  const parts = [600_000n, 600_001n, 650_000n, 700_000n, 1_000_000n]
  const samples = parts.map((held, at) => measured(`${at}`, 0.5, [['first', held]]))
  expect(added(measured('first', 0.4), ...samples)).toEqual([0.4, 0.5, 0.499996, 0.3, 0.1, 0.1])
})

test('of several earlier ones, the one that takes most counts; a harmful or unknown one takes nothing', () => {
  const [, , , both] = added(
    measured('a', 0.2),
    measured('b', 0.3),
    measured('bad', -0.4),
    measured('both', 0.35, [
      ['b', 1_000_000n],
      ['a', 1_000_000n],
      ['bad', 1_000_000n],
      ['refused', 1_000_000n],
    ]),
  )
  expect(both).toBeCloseTo(0.05, 9)
  expect(added(measured('bad', -0.4), measured('own', 0.3, [['bad', 1_000_000n]]))).toEqual([-0.4, 0.3])
})

test('whatever is measured, the standing of a sample is a part of its uniqueness', () => {
  const influence = fc.double({ min: -1, max: 1, noNaN: true })
  const sample = fc.record({ influence, held: fc.bigInt(0n, 1_000_000n), uniqueness: fc.bigInt(0n, 1_000_000n) })
  fc.assert(
    fc.property(fc.array(sample, { minLength: 2, maxLength: 5 }), (drawn) => {
      const samples = drawn.map(({ influence, held }, at) => measured(`${at}`, influence, at ? [['0', held]] : []))
      const influences = addedInfluences(samples, 100)
      const { weights } = attributionWeights(
        samples.map((one, at) => ({ ...one, uniqueness: drawn[at]?.uniqueness ?? 0n, added: influences[at] })),
      )
      weights.forEach(({ standing }, at) => {
        expect(standing).toBeGreaterThanOrEqual(0n)
        expect(standing).toBeLessThanOrEqual(drawn[at]?.uniqueness ?? 0n)
      })
    }),
  )
})

test('a harmful copy of a helpful sample has no standing of its own', () => {
  const samples = [measured('original', 0.3), measured('copy', -0.3, [['original', 1_000_000n]])]
  const influences = addedInfluences(samples, 100)
  const { weights, harmful } = attributionWeights(
    samples.map((one, at) => ({ ...one, uniqueness: 1_000_000n, added: influences[at] })),
  )
  expect(weights.map(({ standing }) => standing)).toEqual([1_000_000n, 0n])
  expect(harmful.map(({ contributionId }) => contributionId)).toEqual(['copy'])
})

test('a sample without a significant influence, which repeats none, says so', () => {
  const noise = { ...measured('noise', 0.001), uniqueness: 1_000_000n }
  const { weights } = attributionWeights([noise, { ...noise, contributionId: 'same', added: noise }])
  for (const { reason } of weights)
    expect(reason).toBe('No influence that can be told from chance at a false discovery rate of 5 %.')
})

test('a copy of a helpful sample weighs nothing, is not called harmful, and says why', () => {
  const samples = [
    measured('original', 0.3),
    measured('copy', 0.29, [['original', 1_000_000n]]),
    measured('better', 0.4, [['original', 1_000_000n]]),
  ]
  const influences = addedInfluences(samples, 100)
  const { weights, harmful } = attributionWeights(
    samples.map((sample, at) => ({ ...sample, uniqueness: 1_000_000n, added: influences[at] })),
  )
  expect(harmful).toEqual([])
  expect(weights.map(({ weight }) => Number(weight) / 1e15)).toEqual([0.3, 0, 0.1])
  expect(weights.map(({ standing }) => standing)).toEqual([1_000_000n, 0n, 250_000n])
  expect(weights.map(({ reason }) => reason)).toEqual([
    'Helped the validation set: influence 300000000e-9 × uniqueness 1000000 ppm.',
    'Adds nothing that can be told from chance to an earlier sample that it holds.',
    'Helped the validation set: influence 100000000e-9 beyond an earlier sample that it holds (400000000e-9 in all) × uniqueness 1000000 ppm.',
  ])
})
