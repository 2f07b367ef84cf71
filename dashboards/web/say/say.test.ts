import { expect, test } from 'vitest'
import type { Event } from '../data/documents/common.ts'
import { feedOf } from './events.ts'
import { gopen, measured, percent, share } from './figures.ts'
import { resultOf, type TakenStep } from './steward.ts'
import { span } from './time.ts'
import { type Model, scoresOf, type Version, verdictOf } from './verdict.ts'

test('an amount is shown short, never above what it is', () => {
  expect(gopen(0n)).toBe('0')
  expect(gopen(10n ** 18n)).toBe('1')
  expect(gopen(1_999_999_999_999_999_999n)).toBe('1.999')
  expect(gopen('123456789012345678901234')).toBe('123,456.7')
  expect(gopen(1_234_567_890_123_456n)).toBe('0.001234')
  expect(gopen(1n)).toBe('<0.000001')
  expect(gopen(-(5n * 10n ** 17n))).toBe('−0.5')
})

test('shares of nothing are nothing, and huge amounts keep their proportion', () => {
  expect(share(5n, 0n)).toBe(0)
  expect(share(10n ** 60n, 4n * 10n ** 60n)).toBe(0.25)
  expect(percent('845000')).toBe('84.5\u00a0%')
})

test('measured values keep about four figures', () => {
  expect([0, 0.00001, 0.1234, 5.6789, 45.67, 1234.5, Number.NaN].map(measured)).toEqual([
    '0.000',
    '1.0e-5',
    '0.123',
    '5.68',
    '45.7',
    '1235',
    '—',
  ])
  expect([45, 600, 7200, 200_000].map(span)).toEqual(['45 s', '10 min', '2 h', '2 d'])
})

let place = 100
const event = (name: string, args: object = {}): Event => ({
  id: String(place--).padStart(6, '0'),
  name,
  contract: 'DatanetRegistry',
  args,
  timestamp: '2026-01-01T00:00:00.000Z',
  fromBlock: 1,
  transactionHash: '0x',
})

test('a flood is told as one line, bookkeeping not at all', () => {
  const scored = Array.from({ length: 5 }, (_, nth) => event('ContributionScored', { verdict: nth < 3 ? 1 : 2 }))
  const lines = feedOf([event('VersionPromoted', { versionId: '3' }), event('Transfer'), ...scored])
  expect(lines.map((line) => line.text)).toEqual([
    'Version 3 met its targets and was promoted',
    '5 samples scored: 3 accepted, 2 rejected',
  ])
})

test('a run that is not known to its end says so', () => {
  const run = [event('TaskSettled'), event('TaskSettled')]
  expect(feedOf(run, run[1]?.id ?? '')[0]?.text).toBe('At least 2 comparisons settled')
})

test('kinds that take turns become runs, but no run reaches over another kind of event', () => {
  const turns = [1, 2, 3].flatMap(() => [event('FeedbackSettled', { penalty: 0 }), event('TaskSettled', { paid: 0 })])
  expect(feedOf(turns)).toHaveLength(2)
  const apart = [
    event('TaskSettled', { taskId: 1, paid: 0 }),
    event('VersionPromoted'),
    event('TaskSettled', { paid: 0 }),
  ]
  expect(feedOf(apart)).toHaveLength(3)
})

test('an event that the page does not know is named plainly, broken arguments do no harm', () => {
  expect(feedOf([event('SomethingVeryNew')])[0]?.text).toBe('DatanetRegistry: something very new')
  expect(feedOf([event('VoteCast', { weight: 'no number' })])[0]?.text).toBe('DatanetRegistry: vote cast')
})

const score = (metric: string, lower: number, rubricHash = 'r') => ({
  id: metric + lower,
  metric,
  rubricHash,
  score: String(lower + 50_000),
  lower: String(lower),
  upper: String(lower + 100_000),
  n: 100,
  loggedAt: '',
})
const version = (status: Version['status'], ...scores: ReturnType<typeof score>[]) =>
  ({ id: '2', status, rollbackReason: null, evaluations: { nodes: scores } }) as unknown as Version
const model = {
  liveVersionId: '1',
  targets: { nodes: [{ metric: 'exact', minimum: '600000', mayFall: false }] },
  versions: { nodes: [] },
  mandates: { nodes: [{ rubricHash: 'r' }] },
} as unknown as Model

test('a version is refused for its lower bound, not for its score', () => {
  expect(verdictOf(model, version('Registered', score('exact', 599_999))).kind).toBe('refused')
  expect(verdictOf(model, version('Registered', score('exact', 600_000))).kind).toBe('ready')
})

test('a version that is significantly worse than the live one is refused, unless the metric may fall', () => {
  const live = { ...version('Promoted', score('exact', 800_000)), id: '1' }
  const beside = { ...model, versions: { nodes: [live] } } as unknown as Model
  const asked = (lower: number, one = beside) => verdictOf(one, version('Registered', score('exact', lower))).title
  expect([700_000, 699_999].map((lower) => asked(lower))).toEqual(['Meets its targets', 'Worse than the live one'])
  expect(verdictOf(beside, version('Registered', score('exact', 699_999))).because).toBe(
    'Version 1 stays: exact 75.0\u00a0% (70.0\u00a0% to 80.0\u00a0%) against 85.0\u00a0% (80.0\u00a0% to 90.0\u00a0%). The whole interval lies below.',
  )
  expect(verdictOf(beside, version('Registered', score('exact', 700_000))).because).toMatch(
    /^Anyone may promote it now. Not significantly worse than version 1: exact .* against /,
  )
  const lenient = { ...beside, targets: { nodes: [{ metric: 'exact', minimum: '600000', mayFall: true }] } }
  expect(asked(650_000, lenient as unknown as Model)).toBe('Meets its targets')
})

test('only the newest score under the mandate’s rubric counts', () => {
  const one = version('Registered', score('exact', 700_000, 'other'), score('exact', 650_000), score('exact', 100_000))
  expect(scoresOf(model, one).map((found) => found.lower)).toEqual(['650000'])
  expect(verdictOf(model, version('Registered', score('exact', 700_000, 'other'))).kind).toBe('waiting')
})

test('rolled back and promoted are said as the chain has them', () => {
  expect(verdictOf(model, version('RolledBack', score('exact', 900_000))).kind).toBe('rolledBack')
  expect(verdictOf(model, version('Promoted', score('exact', 900_000))).title).toBe('Promoted')
})

test('a step is told by what became of its job, and one whose job was deleted is done', () => {
  const taken = (job: unknown) => resultOf({ job } as TakenStep)
  expect(taken(null).title).toBe('done')
  expect(taken({ status: 'Running', error: null }).tone).toBe('is-busy')
  expect(taken({ status: 'Failed', error: { code: 'NO_DATA', message: 'Score it first.' } })).toEqual({
    title: 'failed',
    tone: 'is-bad',
    because: 'NO_DATA: Score it first.',
  })
})
