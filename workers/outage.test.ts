import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { readSystemMetric, SYSTEM_METRICS } from '#cli/systemMetrics.ts'
import { computeEpoch } from '#epochs/epoch.ts'
import { epochRows } from '#epochs/test/epochRows.ts'
import { ArtifactStoreError } from '#schema/artifacts/index.ts'
import { disputeEvidenceDocument, putDocument } from '#schema/documents.ts'
import { enqueue } from '#schema/enqueue.ts'
import type { JobKind } from '#schema/jobs.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { Endpoint, Redemption } from '#schema/onchain/market.ts'
import { Mandate, ModelVersion, Target } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { blockHash, insert, insertChain, TEST_CHAIN_ID } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { runProgram } from '#test/testSystem.ts'
import type { ChainClient } from './chain.ts'
import { faultOf } from './failures.ts'
import { resolveDisputeHandler } from './handlers/resolveDispute.ts'
import { settleEpochHandler } from './handlers/settleEpoch.ts'
import { type JobContext, PendingError } from './job.ts'
import { waitUntilAttributed } from './settlement/attributions.ts'
import { assignReceipts } from './settlement/epochReceipts.ts'
import { testWorker } from './test/testWorker.ts'

/** An outage must move nobody's money: the handlers end before they write to the chain. */

type TestSystem = Awaited<ReturnType<typeof testWorker>>
/** A chain that can only be read: to write to it would be an error. */
const readOnly = {
  account: '0x',
  chainId: TEST_CHAIN_ID,
  client: { getBlockNumber: async () => 0n, getBlock: async () => ({ number: 0n, timestamp: 0n }) },
  now: async () => 72 * 3600 - 1,
} as unknown as ChainClient
/** The context of a job that must not write to the chain. */
const contextOf = <K extends JobKind>({ db, artifacts }: TestSystem, over: Partial<JobContext<K>>) =>
  ({
    attempt: 1,
    db,
    artifacts,
    chain: readOnly,
    report() {},
    signal: new AbortController().signal,
    ...over,
  }) as JobContext<K>
const queues = { add: async () => {} }

test('an epoch stays open while the tracing of an opened answer that failed in an outage may still be tried again', async () => {
  const system = await testWorker()
  const { db } = system
  await insertChain(db, 5)
  await insert(db, Endpoint, { id: '1', host: readOnly.account })
  await insert(db, Endpoint, { id: '2', host: '0xother' })
  const [channelId, other] = [`0x${'5'.repeat(64)}`, `0x${'6'.repeat(64)}`]
  const paid = { channelId, endpointId: '1', fee: 2n, answeredAt: new Date(0), epoch: null }
  await insert(db, Receipt, { ...paid, id: 'r1', jobId: 'j1', isOpen: true, cumulative: 2n })
  // The tracing of these holds nothing: another host's, not opened, free, of a later epoch, and not redeemed.
  await insert(db, Receipt, { ...paid, id: 'r2', jobId: 'j2', isOpen: true, cumulative: 2n, endpointId: '2' })
  await insert(db, Receipt, { ...paid, id: 'r3', jobId: 'j3', isOpen: false, cumulative: 2n })
  await insert(db, Receipt, { ...paid, id: 'r4', jobId: 'j4', isOpen: true, cumulative: 2n, fee: 0n })
  await insert(db, Receipt, { ...paid, id: 'r5', jobId: 'j5', isOpen: true, cumulative: 4n })
  await insert(db, Receipt, { ...paid, id: 'r6', jobId: 'j6', isOpen: true, cumulative: 2n, channelId: other })
  await insert(db, Redemption, { id: '1', channelId, epoch: 1, total: 3n, amount: 3n })
  await insert(db, Redemption, { id: '2', channelId, epoch: 2, total: 5n, amount: 2n })
  await insert(db, RewardMap, { id: '1', epoch: 1, status: 'Open', lastBlock: 0, uri: null })
  const attribution = await enqueue({ db, queues }, 'attribute', { receiptId: 'r1' }, { key: 'a', requestedBy: null })
  const { id } = await enqueue({ db, queues }, 'settleEpoch', { epoch: 1 }, { key: 's', requestedBy: null })
  const settle = () =>
    settleEpochHandler({ deployment: undefined as never })(
      contextOf<'settleEpoch'>(system, { id, kind: 'settleEpoch', input: { epoch: 1 } }),
    )
  const end = (status: string, code: string) =>
    db.query(`update job_run set status = $2, error = jsonb_build_object('code', $3::text) where id = $1`, [
      attribution.id,
      status,
      code,
    ])

  await end('Failed', 'ARTIFACT_STORE')
  const pending = await settle().catch((error) => error)
  expect(pending).toBeInstanceOf(PendingError)
  expect(pending.message).toContain(`The attribution ${attribution.id} failed, because a service was away`)

  expect(faultOf(pending)).toMatchObject({ fault: 'infrastructure', failure: { code: 'ATTRIBUTION' } })
  await end('Failed', 'ARTIFACT_MISSING')
  await expect(settle()).rejects.toThrow(PendingError)
  const metric = must(SYSTEM_METRICS.find(({ name }) => name === 'answers_untraced'))
  expect(await readSystemMetric(db, metric)).toEqual([{ labels: {}, value: 1 }])

  const env = { DATABASE_URL: db.url, MODELCOMMONS_HOME: system.folder }
  const untraced = (...args: string[]) => runProgram('untraced', env, args)
  expect((await untraced('list')).output).toMatch(new RegExp(`^r1  .*job ${attribution.id}  ARTIFACT_MISSING: `))
  expect((await untraced('give-up')).code).toBe(1)
  expect(await untraced('give-up', 'r2')).toEqual({ code: 1, output: expect.stringContaining('r2  is no such answer') })
  expect(await untraced('give-up', '--all')).toEqual({ code: 0, output: expect.stringContaining('r1  given up') })
  expect((await untraced('list')).output).toBe('Every answer is traced, or is being traced.')
  expect(await readSystemMetric(db, metric)).toEqual([{ labels: {}, value: 0 }])
  // An operator settles without it: only now the map is computed.
  await expect(settle()).rejects.toThrow(TypeError)
  const { rows } = await db.query('select id, epoch from receipt order by id')
  expect(rows.map((one) => [one.id, one.epoch])).toEqual([
    ['r1', 1],
    ['r2', 1],
    ['r3', 1],
    ['r4', 1],
    ['r5', null], // its epoch comes later
    ['r6', null],
  ])
})

test('an epoch waits for no answer longer than 72 hours: neither for a tracing that failed, nor for one that never ends', async () => {
  const system = await testWorker()
  const { db } = system
  await insertChain(db, 5)
  const channelId = `0x${'5'.repeat(64)}`
  await insert(db, Endpoint, { id: '1', host: readOnly.account })
  const paid = {
    channelId,
    endpointId: '1',
    fee: 1n,
    answeredAt: new Date(0),
    epoch: null,
    isOpen: true,
    cumulative: 1n,
  }
  await insert(db, Receipt, { ...paid, id: 'r1', jobId: 'j1' })
  await insert(db, Receipt, { ...paid, id: 'r2', jobId: 'j2' })
  await insert(db, Redemption, { id: '1', channelId, epoch: 1, total: 3n, amount: 3n })
  await insert(db, RewardMap, { id: '1', epoch: 1, status: 'Open', lastBlock: 0, uri: null })
  const { id: job } = await enqueue({ db, queues }, 'attribute', { receiptId: 'r1' }, { key: 'a', requestedBy: null })
  await enqueue({ db, queues }, 'attribute', { receiptId: 'r2' }, { key: 'b', requestedBy: null })
  const failure = { code: 'MEMORY', message: 'The worker’s host has no memory left.' }
  await db.query(`update job_run set status = 'Failed', error = $2 where id = $1`, [job, failure])
  const warnings: unknown[] = []
  const settleAt = (now: number) =>
    waitUntilAttributed(
      contextOf<'settleEpoch'>(system, {
        ...{ id: 's', kind: 'settleEpoch', input: { epoch: 1 } },
        chain: { ...readOnly, now: async () => now },
        log: { warn: (of: unknown) => warnings.push(of) } as never,
      }),
      0,
    )
  await assignReceipts(db, 1)
  await expect(settleAt(72 * 3600 - 1)).rejects.toThrow(`The attribution ${job} failed`)
  expect(warnings).toEqual([])
  await settleAt(72 * 3600)
  expect(warnings).toEqual([{ epoch: 1, waiting: 2, failed: job }])
})

test('evidence that no store gives does not keep a dispute about a map undecided', async () => {
  const { sql: db, artifacts, sources, publish } = await epochRows()
  await publish(await computeEpoch(sources, { epoch: 1, usage: [], absent: [] }), { publishedAt: new Date(0) })
  const evidenceHash = `0x${'9'.repeat(64)}`
  await insert(db, Dispute, {
    id: '1',
    subject: 'RewardMap',
    subjectId: '1',
    evidenceHash,
    outcome: 'Open',
    verdict: null,
  })
  const away = new ArtifactStoreError('unreachable', 'A mirror does not answer.')
  const get: typeof artifacts.get = async (name, options) =>
    name === evidenceHash ? Promise.reject(away) : artifacts.get(name, options)
  const transact = vi.fn(async () => ({ blockNumber: 50n, events: [] }))
  const chain = {
    ...{ chainId: TEST_CHAIN_ID, transact, now: async () => 0, read: async () => false },
    client: {
      getBlock: async ({ blockNumber }: { blockNumber: bigint }) => ({ hash: blockHash(Number(blockNumber)) }),
    },
  } as unknown as ChainClient
  const job = {
    db,
    artifacts: { ...artifacts, get },
    chain,
    report() {},
    log: { info() {} },
  } as unknown as JobContext<'resolveDispute'>
  const resolving = resolveDisputeHandler({ cache: '', deployment: sources.deployment as never })({
    ...job,
    ...{ id: 'd', kind: 'resolveDispute', input: { disputeId: '1' }, signal: new AbortController().signal },
  })
  await expect(resolving).rejects.toThrow(/The verdict on dispute 1/)
  expect(transact.mock.calls).toEqual([
    ['dispute:1', { contract: 'Disputes', functionName: 'rule', args: [1n, false, 0n] }, { again: true }],
  ])
})

test('a store that does not answer decides no dispute about the artifacts of a version', async () => {
  const system = await testWorker()
  const { db, artifacts } = system
  await insertChain(db, 5)
  const evidenceHash = await putDocument(artifacts, disputeEvidenceDocument, {
    ground: 'artifacts',
    statement: 'Gone.',
  })
  const hash = (digit: string) => `0x${digit.repeat(64)}`
  await insert(db, Mandate, { id: '1' })
  await insert(db, ModelVersion, { id: '1', modelId: '1', manifestHash: hash('1'), adapterHash: hash('2') })
  await insert(db, Dispute, { id: '1', subject: 'Version', subjectId: '1', evidenceHash, outcome: 'Open' })
  const away = new ArtifactStoreError('unreachable', 'The store does not answer.')
  const get = async (name: string) => (name === evidenceHash ? artifacts.get(name) : Promise.reject(away))
  const resolving = resolveDisputeHandler({ cache: join(system.folder, 'cache'), deployment: undefined as never })(
    contextOf<'resolveDispute'>(system, {
      id: 'd',
      kind: 'resolveDispute',
      input: { disputeId: '1' },
      artifacts: { ...artifacts, get },
      chain: { ...readOnly, read: async () => 3_000n, now: async () => 0 } as never,
    }),
  )
  await expect(resolving).rejects.toBe(away)
})

test.each([
  ['what recomputation finds wrong is upheld', 0, 'rule'],
  ['what is over lapses', 4_000, 'enforce'],
])('evidence that no store gives keeps nobody else away: %s', async (_, now, functionName) => {
  const system = await testWorker()
  const { db, artifacts } = system
  await insertChain(db, 5)
  const evidenceHash = `0x${'9'.repeat(64)}`
  await insert(db, Mandate, { id: '1' })
  await insert(db, Target, { id: '1-0', modelId: '1', metric: 'accuracy', minimum: 1n })
  await insert(db, ModelVersion, { id: '1', modelId: '1', promotedAt: new Date(0) }) // nobody has evaluated it
  await insert(db, Dispute, {
    ...{ id: '1', subject: 'Version', subjectId: '1', evidenceHash, outcome: 'Open', openedAt: new Date(0) },
  })
  const away = new ArtifactStoreError('unreachable', 'A mirror does not answer.')
  const transact = vi.fn(async () => ({ blockNumber: 5n, events: [] }))
  const resolving = resolveDisputeHandler({ cache: join(system.folder, 'cache'), deployment: undefined as never })(
    contextOf<'resolveDispute'>(system, {
      ...{ id: 'd', kind: 'resolveDispute', input: { disputeId: '1' } },
      artifacts: { ...artifacts, get: () => Promise.reject(away) },
      chain: { ...readOnly, read: async () => 3_000n, now: async () => now, transact } as never,
      log: { info() {} } as never,
    }),
  )
  await resolving.catch(() => {}) // the verdict waits for the appeal
  expect(transact.mock.calls).toHaveLength(1)
  const [[, call]] = transact.mock.calls as unknown as [[string, { functionName: string; args: unknown[] }]]
  expect(call).toEqual({
    contract: 'Disputes',
    functionName,
    args: functionName === 'rule' ? [1n, true, 0n] : [1n],
  })
})
