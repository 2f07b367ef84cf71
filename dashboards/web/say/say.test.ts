import { expect, test } from 'vitest'
import { span } from '#client/ago.ts'
import { jobs } from '#schema/jobs.ts'
import { clockOffset } from '../data/chainClock.ts'
import type { Event } from '../data/documents/common.ts'
import type { JudgedVersion, JudgingModel } from '../data/documents/models.ts'
import { feedOf } from './events.ts'
import { gopen, measured, percent, share } from './figures.ts'
import { eventOfEdge } from './lineage.ts'
import { plainReason, proposalTitle, screeningRules } from './reason.ts'
import { jobTitle, stageOfJob } from './stages.ts'
import { resultOf, type TakenStep } from './steward.ts'
import { timelineOf } from './timeline.ts'
import { type JudgedTarget, scoresOf, verdictOf } from './verdict.ts'

test('an amount is shown short, never above what it is', () => {
  expect(gopen(0n)).toBe('0')
  expect(gopen(10n ** 18n)).toBe('1')
  expect(gopen(1_999_999_999_999_999_999n)).toBe('1.999')
  expect(gopen('123456789012345678901234')).toBe('123,456.7')
  expect(gopen(1_234_567_890_123_456n)).toBe('0.001234')
  expect(gopen(1n)).toBe('<0.000001')
  expect(gopen(-(5n * 10n ** 17n))).toBe('−0.5')
})

test('a chain has a clock of its own when its newest block is more than a day from now', () => {
  const hour = 3_600_000
  const now = Date.parse('2026-06-01T12:00:00Z')
  expect([-25, -23, 0, 23, 25].map((hours) => clockOffset(now + hours * hour, now) / hour)).toEqual([-25, 0, 0, 0, 25])
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

const target = (metric: string, verdict: JudgedTarget['verdict'], lower: number, mayFall = false): JudgedTarget => ({
  ...{
    metric,
    verdict,
    minimum: '600000',
    mayFall,
    met: verdict === 'met',
    n: 100,
    liveLower: mayFall ? null : '800000',
  },
  ...(verdict === 'unmeasured'
    ? { score: null, lower: null, upper: null }
    : { score: String(lower + 50_000), lower: String(lower), upper: String(lower + 100_000) }),
})
const version = (status: JudgedVersion['status'], ...targets: JudgedTarget[]) =>
  ({
    ...{ id: '2', status, rollbackReason: null },
    meetsMandate: { met: targets.every(({ met }) => met), targets },
    evaluations: { nodes: [] },
  }) as unknown as JudgedVersion
const model = {
  liveVersionId: '1',
  mandates: { nodes: [{ rubricHash: 'r' }] },
  liveVersion: { meetsMandate: { targets: [{ metric: 'exact', score: '850000', lower: '800000', upper: '900000' }] } },
} as unknown as JudgingModel

test('the verdict is that of the API, whatever the figures are', () => {
  expect(verdictOf(model, version('Registered', target('exact', 'missed', 900_000))).kind).toBe('refused')
  expect(verdictOf(model, version('Registered', target('exact', 'met', 0))).kind).toBe('ready')
  expect(verdictOf(model, version('Registered', target('exact', 'unmeasured', 0))).kind).toBe('waiting')
  expect(verdictOf(model, version('RolledBack', target('exact', 'met', 0))).kind).toBe('rolledBack')
  expect(verdictOf(model, version('Promoted', target('exact', 'missed', 0))).title).toBe('Promoted')
})

test('a verdict says why in percent, with both intervals where a version is worse than the live one', () => {
  expect(verdictOf(model, version('Registered', target('exact', 'undecided', 550_000))).because).toBe(
    'exact is 60.0\u00a0% (55.0\u00a0% to 65.0\u00a0%); 60.0\u00a0% is asked for at the lower bound. More test items could decide.',
  )
  const worse = verdictOf(model, version('Registered', target('exact', 'worse', 699_999)))
  expect(worse.title).toBe('Worse than the live one')
  expect(worse.because).toBe(
    'Version 1 stays: exact 75.0\u00a0% (70.0\u00a0% to 80.0\u00a0%) against 85.0\u00a0% (80.0\u00a0% to 90.0\u00a0%). The whole interval lies below.',
  )
  expect(verdictOf(model, version('Registered', target('exact', 'met', 700_000))).because).toMatch(
    /^Anyone may promote it now. Not significantly worse than version 1: exact .* against /,
  )
  expect(scoresOf(model, version('Registered', target('exact', 'met', 700_000, true)))[0]?.live).toBeNull()
})

test('metrics without a target follow the targets: the first score under the mandate’s rubric', () => {
  const one = version('Registered', target('exact', 'met', 700_000))
  const other = (lower: string, rubricHash: string) => ({
    metric: 'order',
    score: lower,
    lower,
    upper: lower,
    n: 1,
    rubricHash,
  })
  Object.assign(one.evaluations, { nodes: [other('1', 'old'), other('2', 'r'), other('3', 'r')] })
  expect(scoresOf(model, one).map(({ metric, lower }) => [metric, lower])).toEqual([
    ['exact', '700000'],
    ['order', '2'],
  ])
})

test('every kind of job has a title and a stage', () => {
  for (const kind of Object.keys(jobs)) expect(jobTitle({ kind, input: null }), kind).not.toBe(kind)
  const without = Object.keys(jobs).filter((kind) => !stageOfJob(kind))
  expect(without, 'signed acts may belong to any stage').toEqual(['relay'])
})

test('reasons have no marks of programs and no parts per million', () => {
  expect(plainReason('Accepted: nothing similar was committed earlier. [screening 1]')).toBe(
    'Accepted: nothing similar was committed earlier.',
  )
  expect(screeningRules('Ineligible. [screening 12]')).toBe('12')
  expect(screeningRules('Ineligible.')).toBeNull()
  expect(plainReason('Agreement 312909 ppm, of which 312909 beyond luck, × skill 566276 ppm = 177192 ppm.')).toBe(
    'Agreement 31.3\u00a0%, of which 31.3\u00a0% beyond luck, × skill 56.6\u00a0% = 17.7\u00a0%.',
  )
  expect(proposalTitle('Mandate for model 1\nspecification 0xa7\n#proposer=0x70')).toBe('Mandate for model 1')
  expect(proposalTitle('#proposer=0x70')).toBe('Untitled proposal')
})

const dated = {
  ...{ createdAt: '2026-01-01T00:00:00.000Z', voteStart: 1_767_225_600, voteEnd: 1_767_312_000, eta: null },
  governor: { clock: 'Timestamp' as const },
}

test('a proposal’s timeline says what is now, what comes, and where it ended', () => {
  const states = (state: string) => timelineOf({ ...dated, state }).map((step) => step.state)
  expect(states('Pending')).toEqual(['done', 'now', 'coming', 'coming', 'coming'])
  expect(states('Active')).toEqual(['done', 'done', 'now', 'coming', 'coming'])
  expect(states('Queued')).toEqual(['done', 'done', 'done', 'done', 'now'])
  expect(states('Executed')).toEqual(['done', 'done', 'done', 'done', 'done'])
  expect(timelineOf({ ...dated, state: 'Defeated' }).at(-1)).toMatchObject({ title: 'Defeated', state: 'now' })
  expect(timelineOf({ ...dated, state: 'Active', governor: { clock: 'BlockNumber' }, voteEnd: 77 })[2]).toMatchObject({
    at: null,
    says: 'at block 77',
  })
})

test('the event behind an edge is named by what the edge connects', () => {
  const voter = `0x${'1'.repeat(40)}`
  const vote = { key: 'Vote:7-x', kind: 'Vote', id: '7-x', label: voter }
  const edge = (relation: string, from: string, to: string) => ({ relation, from, to, amount: null })
  expect(eventOfEdge(edge('vote', 'Vote:7-x', 'Proposal:7'), new Map([[vote.key, vote]]))).toBe(
    `/events?name=VoteCast&proposalId=7&voter=${voter}`,
  )
  expect(eventOfEdge(edge('data', 'Contribution:5', 'ModelVersion:2'), new Map())).toBe(
    '/events?name=ContributionSubmitted&contributionId=5',
  )
  expect(eventOfEdge(edge('feedback', `Judgement:9-${voter}`, 'ModelVersion:2'), new Map())).toBe(
    `/events?name=FeedbackRevealed&taskId=9&validator=${voter}`,
  )
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
