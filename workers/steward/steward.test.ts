import { expect, onTestFinished, test, vi } from 'vitest'
import type { Database } from '#schema/database.ts'
import { putDocument, specificationDocument } from '#schema/documents.ts'
import { notify } from '#schema/notifications.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { FeedbackRound, FeedbackTask, Judgement, Validator } from '#schema/onchain/feedback.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { Evaluation, Mandate, Model, ModelVersion, Target } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { type Policy, stewardFile } from '#schema/policy.ts'
import { account, blockTime, insert, insertAll, insertChain } from '#test/factory.ts'
import { silent, testWorker } from '../test/testWorker.ts'
import { startSteward } from './index.ts'
import { indexedTime, mandatedModels, readFacts } from './readFacts.ts'
import { POLICY } from './test/facts.ts'
import { createTurn, type StewardContext } from './turn.ts'

const OWNER = account(1)
const OPERATOR = account(0xab)
const HEAD = 100

type Setting = Awaited<ReturnType<typeof testWorker>>

/** A model with a mandate and a datanet, whose specification has `policy`. */
async function addModel({ db, artifacts }: Setting, id: string, policy?: unknown): Promise<void> {
  const hash = `0x${'2'.repeat(64)}`
  const specHash = await putDocument(artifacts, specificationDocument, {
    ...{
      name: `Model ${id}`,
      purpose: 'Answers.',
      baseModel: hash,
      rubric: hash,
      licence: 'CC-BY-4.0',
      integration: '',
    },
    samples: { description: '', completionPattern: '.*', topic: [], maxPromptLength: 100 },
    ...(policy !== undefined && { policy: policy as never }),
  })
  await insert(db, Model, { id, proposer: OWNER, specHash })
  await insert(db, Mandate, {
    id,
    modelId: id,
    rubricHash: hash,
    budget: 1000n,
    funded: 1000n,
    deadline: new Date('2030-01-01'),
  })
  await insert(db, Target, { id: `${id}-exact`, modelId: id, metric: 'exact', minimum: 500_000n, mayFall: false })
  await insert(db, Datanet, { id, modelId: id, owner: OWNER })
}

const addContributions = (db: Database, datanetId: string, ids: string[], over: Partial<Contribution> = {}) =>
  insertAll(
    db,
    Contribution,
    ids.map((id) => ({ id, datanetId, status: 'Accepted' as const, ...over })),
  )

async function setting(): Promise<Setting> {
  const made = await testWorker()
  await insertChain(made.db, HEAD)
  await made.db.query('update cursor set updated_at = clock_timestamp()')
  return made
}

const contextOf = ({ db, queues, artifacts }: Setting, policy?: Policy): StewardContext => ({
  ...{ db, queues, artifacts, log: silent, account: OPERATOR, operates: true, dailySpendBps: 5_000n },
  file: policy && stewardFile.parse({ version: 1, policy }),
  settlements: { redeemAfterMs: 3_600_000, redeemMin: 0n },
})

const jobsOf = async ({ db }: Setting) =>
  (await db.query('select kind, input, status, idempotency_key from job_run order by kind, created_at')).rows

const stateOf = async ({ db }: Setting, id: string) =>
  (await db.query('select state, explanation, policy from stewardship where id = $1', [id])).rows[0]

const stepsOf = async ({ db }: Setting, id: string | null) =>
  (
    await db.query(
      'select id, waits_for, job_id is not null as asked from steward_step where model_id is not distinct from $1 order by job_id is null, place, id',
      [id],
    )
  ).rows

test('the facts of a model are read from the index', async () => {
  const at = await setting()
  const { db } = at
  await addModel(at, '1')
  await insert(db, Datanet, { id: '9', modelId: '1', owner: account(7) }) // a stranger's, which counts for nothing
  await addContributions(db, '1', ['1', '2', '3'])
  await addContributions(db, '1', ['4'], { excluded: true })
  await addContributions(db, '1', ['11', '5'], { status: 'Submitted', submittedAt: blockTime(7) })
  await addContributions(db, '1', ['6'], { status: 'Rejected' })
  await addContributions(db, '9', ['7'])
  await insert(db, ModelVersion, {
    id: '2',
    modelId: '1',
    method: 'sft',
    status: 'Promoted',
    parentId: null,
    registeredAt: blockTime(5),
  })
  await insert(db, ModelVersion, { id: '1', modelId: '1', method: 'sft', status: 'RolledBack', parentId: null })
  await insert(db, ModelVersion, { id: '3', modelId: '1', method: 'rloo', status: 'Registered', parentId: '2' })
  await db.query(`update model set live_version_id = '2'`)
  for (const id of ['1', '2', '4'])
    await insert(db, VersionInfluence, { id: `2-${id}`, versionId: '2', contributionId: id })
  await insert(db, Evaluation, {
    id: '1',
    versionId: '2',
    rubricHash: `0x${'2'.repeat(64)}`,
    metric: 'exact',
    score: 6n,
    lower: 5n,
    upper: 7n,
    n: 9,
  })
  await insert(db, Evaluation, { id: '2', versionId: '3', rubricHash: `0x${'3'.repeat(64)}`, metric: 'exact' }) // under another rubric
  await insert(db, FeedbackRound, { id: '1', modelId: '1', settled: true })
  await insert(db, FeedbackRound, { id: '2', modelId: '1', settled: false, revealDeadline: blockTime(90) })
  await insert(db, FeedbackTask, { id: '1', roundId: '1', modelId: '1', versionId: '2', settled: true })
  await insert(db, FeedbackTask, { id: '2', roundId: '1', modelId: '1', versionId: '2', settled: true })
  await insert(db, FeedbackTask, { id: '3', roundId: '2', modelId: '1', versionId: '2', settled: false })
  await insert(db, Judgement, { id: '1-a', taskId: '1', choice: 1 })
  await insert(db, Judgement, { id: '1-b', taskId: '1', choice: 0 })
  await insert(db, Judgement, { id: '2-a', taskId: '2', choice: null })
  await insert(db, Validator, { id: 'a', stake: 1n })
  await insert(db, Validator, { id: 'b', stake: 0n })
  await insert(db, Endpoint, { id: '1', versionId: '1', host: OPERATOR })
  await insert(db, Endpoint, { id: '2', versionId: '1', host: account(8) })
  await at.enqueue('evaluate', { versionId: '3' })
  await at.enqueue('evaluate', { versionId: '77' })

  const [model] = await mandatedModels(db)
  const time = await indexedTime(db)
  if (!model || !time) throw new Error('The rows are not there.')
  expect(time).toMatchObject({ block: HEAD, chainTime: blockTime(HEAD) })
  const reader = { sql: db, account: OPERATOR, operates: true, dailySpendBps: 1_000n, time }
  const metrics = [{ metric: 'exact', score: 6n, lower: 5n, upper: 7n, n: 9n, order: 1n }]
  expect(await readFacts(reader, model, POLICY)).toEqual({
    ...{ modelId: '1', policy: POLICY, operates: true, now: time.now, chainTime: time.chainTime },
    mandate: { deadline: new Date('2030-01-01'), funds: 1000n, dailyCap: 100n },
    targets: [{ metric: 'exact', minimum: 500_000n, mayFall: false }],
    datanets: [
      {
        id: '1',
        unscored: { count: 2, firstId: '5', oldestAt: blockTime(7) },
        accepted: 3,
        fresh: 1,
        trained: { versionId: '2', samples: 3, at: blockTime(5) },
      },
    ],
    versions: [
      { id: '2', method: 'sft', status: 'Promoted', metrics },
      { id: '3', method: 'rloo', status: 'Registered', metrics: [] },
    ],
    live: { id: '2', rounds: 2, judged: 1, aligned: true },
    rounds: [{ id: '2', versionId: '2', revealDeadline: blockTime(90) }],
    validators: 1,
    endpoints: [{ id: '1', versionId: '1' }],
    served: [],
    jobs: [{ id: expect.any(String), kind: 'evaluate', subject: '3' }],
  })
})

test('two stewards ask for each step once, and tell why and what comes next', async () => {
  const at = await setting()
  await addModel(at, '1', { train: { samples: 3 }, score: {} })
  await addModel(at, '2')
  await addContributions(at.db, '1', ['1', '2', '3'])
  const stewards = [1, 2].map(() => createTurn(contextOf(at)))
  await Promise.all(stewards.flatMap((turn) => [turn(), turn()]))
  for (const turn of stewards) await turn()
  expect(await jobsOf(at)).toMatchObject([
    { kind: 'fineTune', input: { modelId: '1', datanetId: '1' }, status: 'Queued' },
  ])
  expect(await stepsOf(at, '1')).toEqual([
    { id: 'train/1/after none', waits_for: null, asked: true },
    { id: 'score/1', waits_for: 'contributions', asked: false },
  ])
  expect(await stateOf(at, '1')).toMatchObject({ state: 'Working', policy: { train: { samples: 3 } } })
  expect(await stateOf(at, '2')).toMatchObject({
    state: 'Unmanaged',
    explanation: 'Neither its mandate nor the operator’s file (STEWARD_FILE) has a policy for this model.',
  })
  expect(await stepsOf(at, null)).toEqual([
    { id: 'redeem', waits_for: 'such fees', asked: false },
    { id: 'publish', waits_for: 'redeemed fees', asked: false },
  ])
})

test('a job and its record are stored together: another steward never takes the job for somebody else’s', async () => {
  const at = await setting()
  await addModel(at, '1', POLICY)
  await addContributions(
    at.db,
    '1',
    Array.from({ length: 40 }, (_, n) => String(n + 1)),
  )
  await at.db.query(
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no record'; end $$`,
  )
  await at.db.query(
    'create trigger refuse before insert on steward_step for each row when (new.job_id is not null) execute function refuse()',
  )
  await createTurn(contextOf(at))().catch(() => {})
  expect(await jobsOf(at)).toEqual([])
  await at.db.query('drop trigger refuse on steward_step')
  await createTurn(contextOf(at))()
  expect(await jobsOf(at)).toHaveLength(1)
  expect(await stateOf(at, '1')).toMatchObject({ state: 'Working' })
})

test('a policy that is not valid, or a specification that nobody has, leaves only its own model alone', async () => {
  const at = await setting()
  await addModel(at, '1', { trian: {} })
  await addModel(at, '2')
  await at.db.query(`update model set spec_hash = '0x${'4'.repeat(64)}' where id = '2'`)
  await addModel(at, '3')
  await addContributions(at.db, '3', ['1'])
  await createTurn(contextOf(at, { ...POLICY, train: { ...POLICY.train, samples: 1 } as Policy['train'] }))()
  expect((await stateOf(at, '1')).explanation).toMatch(
    /The policy of its mandate is not valid: Unrecognized key: "trian"/,
  )
  expect((await stateOf(at, '2')).explanation).toMatch(/^Its specification cannot be read/)
  expect(await jobsOf(at)).toMatchObject([{ kind: 'fineTune', input: { modelId: '3' } }])
})

test('a job that fails for good holds its own model only; after a resume the step is tried once more', async () => {
  const at = await setting()
  const context = contextOf(at, { train: { ...POLICY.train, samples: 1 } as Policy['train'], evaluate: true })
  for (const id of ['1', '2']) await addModel(at, id)
  await addContributions(at.db, '1', ['1'])
  const turn = createTurn(context)
  await turn()
  await at.db.query(
    `update job_run set status = 'Failed', finished_at = clock_timestamp(), error = '{"code":"NO_DATA","message":"Score it."}'`,
  )
  await addContributions(at.db, '2', ['2'])
  await insert(at.db, ModelVersion, { id: '1', modelId: '1', method: 'sft', status: 'Registered' })
  await turn()
  expect(await stateOf(at, '1')).toMatchObject({
    state: 'Held',
    explanation: expect.stringMatching(/NO_DATA: Score it/),
  })
  expect((await jobsOf(at)).map(({ input, status }) => [input.modelId, status])).toEqual([
    ['1', 'Failed'],
    ['2', 'Queued'],
  ])
  await at.db.query(`update stewardship set resumed_at = clock_timestamp() where id = '1'`)
  await turn()
  await turn()
  expect((await jobsOf(at)).map(({ kind }) => kind)).toEqual(['evaluate', 'fineTune', 'fineTune'])
  expect(await stateOf(at, '1')).toMatchObject({ state: 'Working' })
})

test('a steward acts on new blocks and on what operators say, without waiting for its clock', async () => {
  const at = await setting()
  await addModel(at, '1', { train: { samples: 1 } })
  await at.db.query(`insert into stewardship (id, model_id, state, explanation, decided_at, paused, paused_reason)
    values ('1', '1', 'Paused', 'Later.', now(), true, 'Later.')`)
  await addContributions(at.db, '1', ['1'])
  const steward = await startSteward(contextOf(at), 3_600_000)
  onTestFinished(() => steward.stop())
  await notify(at.db, { type: 'blocks', from: HEAD, to: HEAD })
  await vi.waitFor(
    async () => expect(await stepsOf(at, '1')).toMatchObject([{ waits_for: 'the end of the pause' }]),
    10_000,
  )
  expect(await jobsOf(at)).toEqual([])
  await at.db.query('update stewardship set paused = false')
  await notify(at.db, { type: 'steward', modelId: '1' })
  await vi.waitFor(async () => expect(await jobsOf(at)).toHaveLength(1), 10_000)
})

test('what serves is measured in each period, and disputed once by two stewards; calls and disputes of strangers change nothing', async () => {
  const at = await setting()
  const { db } = at
  await addModel(at, '1', { monitor: { everySeconds: 3600, parts: 1 } })
  await insert(db, ModelVersion, { id: '2', modelId: '1', method: 'sft', status: 'Promoted' })
  await db.query(`update model set live_version_id = '2'`)
  await insert(db, Endpoint, { id: '1', versionId: '2', host: OPERATOR })
  await insert(db, Endpoint, { id: '2', versionId: '2', host: account(8) })
  await insert(db, Dispute, {
    id: '1',
    subject: 'Version',
    subjectId: '2',
    challenger: account(8),
    outcome: 'Rejected',
  })
  await at.enqueue('infer', { endpointId: '1', prompt: 'junk', consumer: account(8) })
  const stewards = [1, 2].map(() => createTurn(contextOf(at)))
  const turns = () => Promise.all(stewards.flatMap((turn) => [turn(), turn()]))
  await turns()
  const [measuring] = (await jobsOf(at)).filter(({ kind }) => kind === 'monitorVersion')
  expect(measuring.input).toMatchObject({ versionId: '2', everySeconds: 3600, parts: 1 })

  const rubric = `0x${'2'.repeat(64)}`
  const metric = { metric: 'exact', score: '300000', lower: '200000', upper: '400000', n: '80' }
  const result = { versionId: '2', rubric, ...measuring.input, part: 0, metrics: [metric] }
  await db.query(`update job_run set status = 'Succeeded', result = $1 where kind = 'monitorVersion'`, [
    JSON.stringify(result),
  ])
  await turns()
  expect((await jobsOf(at)).map(({ kind }) => kind)).toEqual(['disputeVersion', 'infer', 'monitorVersion'])
  expect(await stepsOf(at, '1')).toEqual([
    { id: `monitor/2/${measuring.input.period}`, waits_for: null, asked: true },
    { id: `recourse/2/${measuring.input.period}`, waits_for: null, asked: true },
  ])
})

test('an epoch is settled with the block that makes its last one final', async () => {
  const at = await setting()
  await insert(at.db, RewardMap, { id: '1', epoch: 1, status: 'Open', lastBlock: HEAD })
  const turn = createTurn(contextOf(at))
  for (const [finalBlock, jobs] of [
    [HEAD - 1, []],
    [HEAD, [{ kind: 'settleEpoch', input: { epoch: 1 } }]],
  ] as const) {
    await at.db.query('update cursor set final_block = $1', [finalBlock])
    await turn()
    expect(await jobsOf(at)).toMatchObject(jobs)
  }
})
