import { expect, test } from 'vitest'
import { decide } from './decide.ts'
import type { ModelFacts } from './facts.ts'
import { isDue } from './step.ts'
import { factsWith, later, POLICY, PROMPTS, START, scored } from './test/facts.ts'

const due = (over: Partial<ModelFacts>) => decide(factsWith(over)).filter(isDue)
const names = (over: Partial<ModelFacts>) => due(over).map(({ name }) => name)
const waits = (name: string, over: Partial<ModelFacts>) =>
  decide(factsWith(over)).find((step) => step.name === name)?.waitsFor

const unscored = (count: number, oldestAt = START) => ({ count, firstId: '7', oldestAt })
const datanet = (over: object) => [{ id: '1', unscored: null, accepted: 0, fresh: 0, trained: null, ...over }]
const version = (id: string, over: object = {}) =>
  ({ id, method: 'sft', status: 'Promoted', metrics: scored(700_000), ...over }) as ModelFacts['versions'][number]
const live = (over: object = {}) => ({ id: '4', rounds: 0, judged: 0, aligned: false, ...over })
const round = (id: string, seconds: number) => ({ id, versionId: '4', revealDeadline: later(seconds) })

test('contributions are scored when a batch waits, or when the oldest has waited for its time', () => {
  expect(names({ datanets: datanet({ unscored: unscored(5) }) })).toEqual(['score'])
  expect(names({ datanets: datanet({ unscored: unscored(1) }), now: later(600) })).toEqual(['score'])
  expect(waits('score', { datanets: datanet({ unscored: unscored(3) }), now: later(599) })).toBe(
    '2 more contributions, or its time',
  )
  expect(waits('score', {})).toBe('contributions')
})

test('the first training needs its samples, a later one growth, or its time and one new sample', () => {
  const trained = { versionId: '4', samples: 10, at: START }
  const of = (fresh: number, over: object = {}) => datanet({ accepted: fresh, fresh, ...over })
  expect(names({ datanets: of(10) })).toEqual(['train'])
  expect(waits('train', { datanets: of(9), now: later(9e6) })).toBe('1 more accepted contribution')
  expect(names({ datanets: of(5, { trained }) })).toEqual(['train'])
  expect(waits('train', { datanets: of(4, { trained }) })).toBe('1 more accepted contribution, or its time')
  expect(names({ datanets: of(1, { trained }), now: later(86_400) })).toEqual(['train'])
  expect(waits('train', { datanets: of(0, { trained }), now: later(9e6) })).toBe(
    '5 more accepted contributions, or one from 2026-01-02T00:00:00.000Z on',
  )
})

test('nobody trains while a job writes the verdicts of the datanet', () => {
  const of = (subject: string, over: { waits?: true } = {}) => ({
    datanets: datanet({ accepted: 10, fresh: 10, unscored: unscored(3) }),
    jobs: [{ id: 'j', kind: 'scoreDatanet' as const, subject, ...over }],
  })
  expect(names(of('2'))).toEqual(['train'])
  expect(waits('train', of('1'))).toBe('the verdicts of job j')
  expect(names(of('1', { waits: true }))).toEqual(['train']) // for commitments that strangers may leave open
})

test('a version is evaluated once, goes live when it meets the targets and is not worse, and others wait for it', () => {
  const fresh = version('5', { status: 'Registered', metrics: [] })
  const full = datanet({ accepted: 10, fresh: 10 })
  expect(names({ versions: [fresh], datanets: full })).toEqual(['evaluate'])
  const inputs = (over: Partial<ModelFacts>) =>
    decide(factsWith(over)).flatMap(({ name, input }) => (name === 'evaluate' ? [input] : []))
  expect(inputs({ versions: [fresh, { ...fresh, id: '6' }] })).toEqual([
    { versionId: '5', promote: false, baseline: true },
    { versionId: '6', promote: false },
  ])
  expect(waits('train', { versions: [fresh], datanets: full })).toBe('the evaluation of version 5')
  const good = version('5', { status: 'Registered' })
  expect(names({ versions: [good] })).toEqual(['promote'])
  expect(due({ versions: [good] })[0]?.input).toEqual({ versionId: '5', promote: true })
  const bad = version('5', { status: 'Registered', metrics: scored(500_000) })
  expect(waits('promote', { versions: [bad] })).toBe('a better version')
  const worse = version('5', { status: 'Registered', metrics: scored(560_000) })
  expect(names({ versions: [worse] })).toEqual(['promote'])
  expect(waits('promote', { versions: [version('4'), worse], live: live({ aligned: true }) })).toBe('a better version')
  expect(names({ versions: [version('5', { status: 'RolledBack', metrics: [] })] })).toEqual([])
})

test('an aligned version whose answers lose to those of the version before does not go live', () => {
  const aligned = (upper: bigint) => {
    const winRate = { metric: 'winRate', score: 420_000n, lower: 400_000n, upper, n: 160n, order: 9n }
    return version('5', { method: 'rloo', status: 'Registered', metrics: [...scored(700_000), winRate] })
  }
  expect(names({ versions: [aligned(500_000n)] })).toEqual(['promote'])
  expect(waits('promote', { versions: [aligned(499_999n)] })).toBe('a better version')
  expect(decide(factsWith({ versions: [aligned(499_999n)] })).find(({ name }) => name === 'promote')?.reason).toBe(
    'Version 5 does not go live. Its answers lose to those of the version before: winRate 0.42 (0.4 to 0.499999, 160 items).',
  )
})

test('no endpoint follows an aligned version that a stranger has promoted although its answers lose', () => {
  const winRate = { metric: 'winRate', score: 420_000n, lower: 400_000n, upper: 440_000n, n: 160n, order: 9n }
  const promoted = version('5', { method: 'rloo', metrics: [...scored(700_000), winRate] })
  const state = { versions: [promoted], live: live({ id: '5' }), endpoints: [{ id: '1', versionId: '4' }] }
  expect(waits('follow', state)).toBe('a better version')
  const better = version('6', { method: 'rloo', metrics: scored(700_000) })
  expect(names({ ...state, versions: [better], live: live({ id: '6' }) })).toEqual(['follow'])
})

test('of several versions that may go live, the newest does', () => {
  const versions = ['5', '6'].map((id) => version(id, { status: 'Registered' }))
  expect(due({ versions }).map(({ occasion }) => occasion)).toEqual(['promote/6'])
  const older = [version('4'), version('5')]
  expect(names({ versions: older, live: live({ id: '5', aligned: true }) })).toEqual([])
})

test('a live version is judged once there are validators, settled when its rounds close, and then aligned', () => {
  const versions = [version('4')]
  expect(names({ versions, live: live() })).toEqual(['judge'])
  expect(due({ versions, live: live() })[0]?.cost).toBe(40n)
  expect(waits('judge', { versions, live: live(), validators: 1 })).toBe('1 more validator with a stake')
  const open = { versions, live: live({ rounds: 2 }), rounds: [round('8', 60), round('9', 120)] }
  expect(waits('settle', open)).toBe('the end of the reveals')
  expect(names({ ...open, chainTime: later(60) })).toEqual([])
  expect(due({ ...open, chainTime: later(61) }).map(({ occasion }) => occasion)).toEqual(['settle/4/from 8'])
  expect(waits('align', open)).toBe('the settlement of 2 rounds')
  expect(names({ versions, live: live({ rounds: 2, judged: 3 }) })).toEqual(['align'])
  expect(waits('align', { versions, live: live({ rounds: 2, judged: 1 }) })).toBe('2 more judged comparisons')
  expect(names({ versions, live: live({ rounds: 2, judged: 3, aligned: true }) })).toEqual([])
  expect(names({ versions: [version('4', { method: 'rloo' })], live: live() })).toEqual([])
})

test('a training waits while the live version is judged for an alignment, but not for validators who do not come', () => {
  const state = { versions: [version('4')], datanets: datanet({ accepted: 20, fresh: 20 }) }
  const until = 'the judgement and alignment of version 4'
  expect(waits('train', { ...state, live: live() })).toBe(until)
  expect(waits('train', { ...state, live: live({ rounds: 1 }), rounds: [round('8', 60)] })).toBe(until)
  expect(waits('train', { ...state, live: live({ rounds: 1, judged: 3 }) })).toBe(until)
  expect(names({ ...state, live: live(), validators: 0 })).toEqual(['train'])
  expect(names({ ...state, live: live({ rounds: 1, judged: 0 }) })).toEqual(['train'])
  const { align: _, ...policy } = POLICY
  expect(names({ ...state, policy, live: live() })).toEqual(['judge', 'train'])
})

test('endpoints follow the live version; a host without the operator’s role does nothing else', () => {
  const state = {
    versions: [version('4')],
    live: live({ aligned: true }),
    endpoints: [
      { id: '1', versionId: '2' },
      { id: '2', versionId: '4' },
    ],
    datanets: datanet({ unscored: unscored(9) }),
  }
  expect(due(state).map(({ occasion }) => occasion)).toEqual(['follow/1/from 2 to 4', 'score/1/from 7'])
  expect(names({ ...state, operates: false })).toEqual(['follow'])
  expect(names({ ...state, policy: { ...POLICY, follow: false } })).toEqual(['score'])
})

test('nothing begins that the mandate cannot pay, that exceeds a day’s cap, or after its deadline', () => {
  const state = { datanets: datanet({ accepted: 10, fresh: 10 }) }
  const mandate = factsWith().mandate
  expect(waits('train', { ...state, mandate: { ...mandate, funds: 99n } })).toBe(
    'the budget: it costs 100 wei, and the mandate has 99 wei left',
  )
  expect(waits('train', { ...state, mandate: { ...mandate, dailyCap: 99n } })).toMatch(/^a lower price/)
  expect(waits('train', { ...state, mandate: { ...mandate, deadline: START } })).toMatch(/^a new mandate/)
  // Judgement comes first: together with the training it costs more than is left.
  const { align: _, ...policy } = POLICY
  const both = { ...state, policy, versions: [version('4')], live: live(), mandate: { ...mandate, funds: 139n } }
  expect(names(both)).toEqual(['judge'])
  expect(names({ ...both, mandate: { ...mandate, funds: 140n } })).toEqual(['judge', 'train'])
})

test('a step waits for a job that works on the same thing, whoever asked for it', () => {
  const datanets = datanet({ unscored: unscored(9) })
  const job = (kind: string, subject: string) => [{ id: 'j1', kind, subject }] as ModelFacts['jobs']
  expect(waits('score', { datanets, jobs: job('scoreDatanet', '1') })).toBe('job j1')
  expect(names({ datanets, jobs: job('scoreDatanet', '2') })).toEqual(['score'])
})

test('a section that is missing means that the step is not taken', () => {
  const everything = {
    versions: [version('4'), version('5', { status: 'Registered', metrics: [] })],
    live: live(),
    datanets: datanet({ accepted: 50, fresh: 50, unscored: unscored(50) }),
  }
  expect(decide(factsWith({ ...everything, policy: { evaluate: false } }))).toEqual([])
  expect(names({ ...everything, policy: {} })).toEqual(['evaluate'])
})

test('the inputs of the jobs have the settings of the policy', () => {
  const [train] = due({ datanets: datanet({ accepted: 10, fresh: 10 }) })
  expect(train).toMatchObject({ kind: 'fineTune', input: { modelId: '1', datanetId: '1', priceWei: '100' } })
  const [align] = due({ versions: [version('4')], live: live({ rounds: 1, judged: 3 }) })
  expect(align).toMatchObject({ kind: 'rlhf', input: { versionId: '4', promptsHash: PROMPTS, priceWei: '50' } })
  const policy = { ...POLICY, train: { ...POLICY.train, continue: true } } as ModelFacts['policy']
  const next = due({
    policy,
    versions: [version('4')],
    live: live({ aligned: true }),
    datanets: datanet({ accepted: 10, fresh: 10 }),
  })
  expect(next[0]?.input).toMatchObject({ parentVersionId: '4' })
})
