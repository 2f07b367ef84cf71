import { expect, test } from 'vitest'
import { policyDocument } from '#schema/policy.ts'
import type { RollingEvaluation } from '../rollingEvaluations.ts'
import { decide } from './decide.ts'
import type { ServedFacts } from './facts.ts'
import { isDue } from './step.ts'
import { factsWith, later, START } from './test/facts.ts'

const EVERY = 3600
const PARTS = 2
/** Even, so that it begins a rotation. */
const FIRST = Math.floor(START.getTime() / 1000 / EVERY / PARTS) * PARTS
const policy = policyDocument.parse({ monitor: { everySeconds: EVERY, parts: PARTS, maxBondWei: '7' } })

/** What the period `after` the first found, of 40 items; the target is 0.5. */
const evaluation = (after: number, score: number, over: Partial<RollingEvaluation> = {}): RollingEvaluation => ({
  ...{ versionId: '4', rubric: '0x', period: FIRST + after, everySeconds: EVERY, part: after % PARTS, parts: PARTS },
  metrics: [
    {
      ...{ metric: 'exact', score: BigInt(score), n: 40n },
      ...{ lower: BigInt(score - 90_000), upper: BigInt(score + 90_000) },
    },
  ],
  ...over,
})
const dispute = (outcome: ServedFacts['disputes'][number]['outcome'], isOwn = true) => ({ id: '9', outcome, isOwn })

function steps(evaluations: RollingEvaluation[], seconds: number, disputes: ServedFacts['disputes'] = []) {
  const served = [{ versionId: '4', evaluations: evaluations.toReversed(), disputes }]
  return decide(factsWith({ policy, served, now: later(seconds, new Date(FIRST * EVERY * 1000)) }))
}
const due = (...args: Parameters<typeof steps>) => steps(...args).filter(isDue)
const waits = (name: string, ...args: Parameters<typeof steps>) =>
  steps(...args).find((step) => step.name === name && !isDue(step))?.waitsFor

test('what serves is evaluated once in each period, a part at a time', () => {
  expect(due([], 0)).toMatchObject([
    {
      name: 'monitor',
      occasion: `monitor/4/${FIRST}`,
      input: { versionId: '4', period: FIRST, everySeconds: EVERY, parts: PARTS },
    },
  ])
  const one = [evaluation(0, 800_000)]
  expect(due(one, EVERY - 1)).toEqual([])
  expect(steps(one, 10)).toMatchObject([{ waitsFor: 'its next period', dueAt: new Date((FIRST + 1) * EVERY * 1000) }])
  expect(due(one, EVERY)).toMatchObject([{ occasion: `monitor/4/${FIRST + 1}` }])
  expect(decide(factsWith({ policy }))).toMatchObject([{ name: 'monitor', waitsFor: 'an endpoint' }])
  expect(decide(factsWith({ policy: {}, served: [{ versionId: '4', evaluations: one, disputes: [] }] }))).toEqual([])
  expect(decide(factsWith({ policy, operates: false }))).toEqual([])
})

test('recourse needs every part, and the whole interval over all items below the target', () => {
  const names = (evaluations: RollingEvaluation[]) => due(evaluations, 60).map(({ name }) => name)
  expect(names([evaluation(0, 300_000)])).toEqual([])
  expect(names([evaluation(-1, 300_000), evaluation(0, 300_000)])).toEqual(['recourse'])
  expect(names([evaluation(-1, 430_000), evaluation(0, 440_000)])).toEqual(['recourse'])
  expect(names([evaluation(-1, 440_000), evaluation(0, 440_000)])).toEqual([])
  expect(names([evaluation(-1, 900_000), evaluation(0, 100_000)])).toEqual([])
  // The newest of each part counts, and nothing that is older than two rotations.
  expect(names([evaluation(-2, 900_000), evaluation(-1, 300_000), evaluation(0, 300_000)])).toEqual(['recourse'])
  expect(names([evaluation(-5, 300_000), evaluation(0, 300_000)])).toEqual([])
  expect(names([evaluation(-1, 300_000, { parts: 3 }), evaluation(0, 300_000)])).toEqual([])
})

test('recourse is opened once in a rotation, not beside an open dispute, and not again after a vote for the version', () => {
  const fallen = [evaluation(-1, 300_000), evaluation(0, 300_000)]
  const occasion = (evaluations: RollingEvaluation[], seconds: number) =>
    due(evaluations, seconds).find(({ name }) => name === 'recourse')?.occasion
  expect(due(fallen, 60)).toMatchObject([{ kind: 'disputeVersion', input: { versionId: '4', maxBondWei: '7' } }])
  const rotation = FIRST / PARTS
  expect(occasion(fallen, 60)).toBe(`recourse/4/${rotation}`)
  expect(occasion([...fallen, evaluation(1, 300_000)], EVERY)).toBe(`recourse/4/${rotation}`)
  expect(occasion([...fallen, evaluation(1, 300_000), evaluation(2, 300_000)], 2 * EVERY)).toBe(
    `recourse/4/${rotation + 1}`,
  )
  expect(waits('recourse', fallen, 60, [dispute('Open', false)])).toBe('the decision on dispute 9')
  expect(waits('recourse', fallen, 60, [dispute('Rejected')])).toBe('another version: dispute 9 was rejected')
  // A stranger who loses a dispute shields nothing, and one that nobody decided may be opened again.
  for (const other of [dispute('Rejected', false), dispute('Lapsed')]) expect(due(fallen, 60, [other])).toHaveLength(1)
})

test('another length of the periods goes on from what was measured', () => {
  const longer = evaluation(0, 800_000, { everySeconds: 2 * EVERY, period: FIRST / 2 })
  expect(due([longer], EVERY - 1)).toEqual([])
  expect(due([longer], EVERY)).toHaveLength(1)
})
