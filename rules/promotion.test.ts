import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { judgeVersion, liveVersion, type MetricEvaluation } from './promotion.ts'

const log = (metric: string, lower: bigint, upper: bigint, order = 1n): MetricEvaluation => ({
  metric,
  score: (lower + upper) / 2n,
  lower,
  upper,
  n: 200n,
  order,
})
const targets = [
  { metric: 'accuracy', minimum: 700_000n, mayFall: false },
  { metric: 'delta', minimum: -10_000n, mayFall: true },
]

test('every target must be met at the lower bound', () => {
  const judged = judgeVersion(targets, [log('accuracy', 700_000n, 800_000n), log('delta', -10_000n, 5_000n)])
  expect(judged.promotable).toBe(true)
})

test('a good score with a wide interval is not enough, and the reason says what is', () => {
  const judged = judgeVersion(targets, [log('accuracy', 699_999n, 900_000n), log('delta', 0n, 0n)])
  expect(judged).toMatchObject({ promotable: false, results: [{ verdict: 'undecided' }, { verdict: 'met' }] })
  expect(must(judged.results[0]).reason).toMatch(/more items/)
})

test('each verdict contains the figures and the bound that decided it', () => {
  const accuracy = targets.slice(0, 1)
  const said = (lower: bigint, upper: bigint) =>
    judgeVersion(accuracy, [log('accuracy', lower, upper)]).results.flatMap(({ verdict, reason }) => [verdict, reason])
  const against = (figures: string) => `accuracy ${figures}, 200 items) against 0.7: `
  expect(said(700_000n, 800_000n)).toEqual(['met', `${against('0.75 (0.7 to 0.8')}met at the lower confidence bound.`])
  expect(said(600_000n, 699_998n)).toEqual([
    'missed',
    `${against('0.649999 (0.6 to 0.699998')}missed at the upper confidence bound.`,
  ])
  expect(said(600_000n, 700_000n)).toEqual([
    'undecided',
    `${against('0.65 (0.6 to 0.7')}the interval contains the minimum. Improve the model, or ask in the next mandate for a rubric with more items.`,
  ])
  expect(judgeVersion(accuracy, []).results).toMatchObject([{ reason: 'accuracy has not been evaluated yet.' }])
})

test('the first evaluation counts, in any order of the input; a missing evaluation fails the target', () => {
  const runs = [log('accuracy', 800_000n, 900_000n, 2n), log('accuracy', 100_000n, 200_000n, 3n)]
  expect(judgeVersion(targets, runs).results.map((r) => r.verdict)).toEqual(['met', 'unmeasured'])
  const earlier = [...runs, log('accuracy', 100_000n, 200_000n, 1n)]
  expect(must(judgeVersion(targets, earlier).results[0]).verdict).toBe('missed')
  const again = [...runs, log('accuracy', 100_000n, 200_000n, 2n)]
  expect(judgeVersion(targets, again).results).toMatchObject([{ verdict: 'met' }, { verdict: 'unmeasured' }])
})

test('a version that is significantly worse than the live one is refused, unless the metric may fall', () => {
  const live = [log('accuracy', 800_000n, 900_000n), log('delta', 800_000n, 900_000n)]
  const judged = (accuracy: bigint, delta: bigint) =>
    judgeVersion(targets, [log('accuracy', 700_000n, accuracy), log('delta', 0n, delta)], live)
  expect(judged(800_000n, 799_999n).promotable).toBe(true)
  const { promotable, results } = judged(799_998n, 800_000n)
  expect(promotable).toBe(false)
  expect(results.map(({ verdict }) => verdict)).toEqual(['worse', 'met'])
  expect(must(results[0]).reason).toMatch(
    /: met, but the live version is significantly better, with 0.85 \(0.8 to 0.9, 200 items\)\. Improve the model\.$/,
  )
  expect(judgeVersion(targets, [log('accuracy', 1n, 2n)], live).results).toMatchObject([
    { verdict: 'missed', reason: expect.stringMatching(/: missed at the upper confidence bound\.$/) },
    { verdict: 'unmeasured' },
  ])
  const twice = [...live, log('accuracy', 100_000n, 200_000n, 0n)]
  expect(judgeVersion(targets, [log('accuracy', 700_000n, 750_000n), log('delta', 0n, 0n)], twice).promotable).toBe(
    true,
  )
})

test('without targets nothing can be promoted, and an interval must contain its score', () => {
  expect(judgeVersion([], []).promotable).toBe(false)
  for (const score of [899_999n, 950_001n])
    expect(() => judgeVersion(targets, [{ ...log('accuracy', 900_000n, 950_000n), score }])).toThrow(
      /outside its interval/,
    )
})

test('the live version is the newest one that was promoted and not rolled back', () => {
  expect(liveVersion([])).toBe(null)
  expect(liveVersion([0n])).toBe(0n)
  expect(liveVersion([1n, 2n])).toBe(2n)
  expect(liveVersion([10n, 9n])).toBe(10n)
})
