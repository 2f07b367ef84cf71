import { expect, test } from 'vitest'
import type { JobStatus } from '#schema/offchain/jobs.ts'
import { plan, type StepRecord } from './plan.ts'
import type { Step } from './step.ts'
import { later } from './test/facts.ts'

const evaluation: Step = {
  name: 'evaluate',
  occasion: 'evaluate/5',
  kind: 'evaluate',
  input: { versionId: '5' },
  reason: 'Version 5 has not been evaluated.',
}
const training: Step = {
  name: 'train',
  occasion: 'train/1/after 5',
  kind: 'fineTune',
  input: {},
  reason: '',
  waitsFor: '3 more accepted contributions',
}
const free = { paused: false, pausedReason: null, resumedAt: null }

const record = (status: JobStatus | null, id = 'evaluate/5'): StepRecord => ({
  id,
  jobId: 'j1',
  kind: 'evaluate',
  status,
  finishedAt: status === 'Failed' ? later(60) : null,
  error: status === 'Failed' ? { code: 'BASE_MODEL_MISSING', message: 'Upload it.' } : null,
})

test('a step whose job runs, has succeeded or is forgotten is not asked for again, although its facts are still there', () => {
  expect(plan([evaluation], [], free).ask.map(({ id }) => id)).toEqual(['evaluate/5'])
  for (const status of ['Queued', 'Running', 'Waiting', 'Succeeded', null] as const)
    expect(plan([evaluation], [record(status)], free)).toMatchObject({ ask: [], next: [] })
  expect(plan([evaluation], [record('Running')], free)).toMatchObject({
    state: 'Working',
    explanation: 'In progress: evaluate (job j1).',
  })
})

test('a failure holds the model until the job is tried again or the model is resumed', () => {
  const held = plan([evaluation, training], [record('Failed')], free)
  expect(held).toMatchObject({
    ask: [],
    state: 'Held',
    explanation:
      'The job evaluate j1 failed (BASE_MODEL_MISSING: Upload it.). Try that job again, or resume the model.',
  })
  expect(held.next.map(({ waitsFor }) => waitsFor)).toEqual(['job j1, which failed', '3 more accepted contributions'])
  expect(plan([evaluation], [record('Queued')], free).state).toBe('Working')
  const resumed = { ...free, resumedAt: later(61) }
  expect(plan([evaluation], [record('Failed')], resumed).ask.map(({ id }) => id)).toEqual(['evaluate/5#2'])
  const again = [record('Failed'), { ...record('Failed', 'evaluate/5#2'), finishedAt: later(70) }]
  expect(plan([evaluation], again, resumed).state).toBe('Held')
  expect(plan([evaluation], again, { ...free, resumedAt: later(70) }).ask.map(({ id }) => id)).toEqual(['evaluate/5#3'])
})

test('a paused model does nothing, and says what comes after the pause', () => {
  const paused = plan([evaluation, training], [], { ...free, paused: true, pausedReason: 'A new rubric is voted on.' })
  expect(paused).toMatchObject({ ask: [], state: 'Paused', explanation: 'A new rubric is voted on.' })
  expect(paused.next.map(({ waitsFor }) => waitsFor)).toEqual(['the end of the pause', '3 more accepted contributions'])
})

test('what comes next is told by when it is due: first what only a stop holds, last what nobody can date', () => {
  const dated = (name: 'score' | 'monitor', seconds: number): Step => ({
    ...{ name, occasion: name, kind: 'scoreDatanet', input: {}, reason: '', waitsFor: 'its time' },
    dueAt: later(seconds),
  })
  const steps = [training, dated('monitor', 90), evaluation, dated('score', 42)]
  const { next } = plan(steps, [], { ...free, paused: true })
  expect(next.map(({ name }) => name)).toEqual(['evaluate', 'score', 'monitor', 'train'])
  expect(plan([training, dated('score', 42)], [], free).explanation).toBe('Next is score: it waits for its time.')
})

test('a model that waits says for what', () => {
  expect(plan([training], [], free)).toMatchObject({
    state: 'Waiting',
    explanation: 'Next is train: it waits for 3 more accepted contributions.',
  })
  expect(plan([], [], free).explanation).toBe('The policy has no next step.')
})
