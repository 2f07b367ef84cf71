import { createPublicClient, http } from 'viem'
import { afterAll, beforeAll, expect, type Mock, onTestFinished, test, vi } from 'vitest'
import { startAnvil } from '#contracts/anvil.ts'
import { ArtifactStoreError, s3Store } from '#schema/artifacts/index.ts'
import { findJob } from '#schema/enqueue.ts'
import { S3_CREDENTIALS, startS3, type TestS3 } from '#schema/test/s3.ts'
import { FaultProxy } from '#test/faultProxy.ts'
import type { ChainClient } from './chain.ts'
import { ChainUnavailableError } from './chainErrors.ts'
import { silent, testWorker } from './test/testWorker.ts'
import { watchServices } from './watchServices.ts'

/** In these tests a job that nobody wakes waits for longer than its test. */
const PATIENT = { waitMs: 600_000, maxWaitMs: 600_000 }
const away = () => new ArtifactStoreError('unreachable', 'S3 does not answer.')
const unreachable = () => new ChainUnavailableError('unreachable', 'The node does not answer.')

let s3: TestS3
beforeAll(async () => {
  s3 = await startS3()
})
afterAll(() => s3.close())

type TestSystem = Awaited<ReturnType<typeof testWorker>>
const statuses = async ({ db }: TestSystem): Promise<string[]> =>
  (await db.query('select status from job_run order by id')).rows.map(({ status }) => status)
const reachAll = (system: TestSystem, status: string, jobs: number) =>
  vi.waitFor(async () => expect(await statuses(system)).toEqual(Array(jobs).fill(status)), { timeout: 30_000 })
const untilFailed = (call: Mock, times: number) =>
  vi.waitFor(
    () =>
      expect(call.mock.settledResults.filter(({ type }) => type === 'rejected').length).toBeGreaterThanOrEqual(times),
    { timeout: 15_000 },
  )

async function storeBehindProxy() {
  const proxy = await FaultProxy.open(s3.endpoint)
  onTestFinished(() => proxy.close())
  const store = await s3Store({
    endpoint: proxy.url(s3.endpoint),
    bucket: await s3.bucket(),
    ...S3_CREDENTIALS,
    limits: { connectMs: 500, idleMs: 700, minBytesPerSecond: 2000, tries: 1 },
    breaker: { probeMs: 100, maxProbeMs: 200 },
  })
  return { proxy, store }
}

/** A watch whose store answers while `state.answers`. */
async function watchOfStore(duringProbe = () => {}) {
  const system = await testWorker()
  const state = { answers: true, now: 0 }
  const has = async () => {
    duringProbe()
    if (!state.answers) throw away()
    return false
  }
  const watch = watchServices({
    db: system.db,
    log: silent,
    now: () => state.now,
    artifacts: { has },
    chain: undefined as unknown as ChainClient,
    queues: system.queues,
  })
  return { system, state, watch }
}

/** Jobs that wait for ten minutes: one for each code. */
async function addWaiting({ db, enqueue }: TestSystem, codes: readonly string[]) {
  for (const [index, code] of codes.entries()) {
    const { id } = await enqueue('settleEpoch', { epoch: index + 1 })
    await db.query(
      `update job_run set status = 'Waiting', waits = 7, retry_at = clock_timestamp() + interval '10 minutes',
         waits_by_reason = jsonb_build_object($2::text, 5, 'OTHER', 2), error = jsonb_build_object('code', $2::text) where id = $1`,
      [id, code],
    )
  }
}

/** By reason: whether a waiting job is due within the jitter, and what was counted. */
const waiting = async ({ db }: TestSystem) =>
  Object.fromEntries(
    (
      await db.query(
        `select error->>'code' as code, retry_at < clock_timestamp() + interval '2 seconds' as due, waits, waits_by_reason from job_run`,
      )
    ).rows.map(({ code, ...row }) => [code, row]),
  )
const LEFT_ALONE = (code: string) => ({ due: false, waits: 7, waits_by_reason: { [code]: 5, OTHER: 2 } })
const WOKEN = (code: string) => ({ due: true, waits: 6, waits_by_reason: { [code]: 4, OTHER: 2 } })

test('when the artifact store is back, all jobs that wait for it are tried at once', async () => {
  const system = await testWorker()
  const { proxy, store } = await storeBehindProxy()
  const name = await store.put(Buffer.from('adapter'))
  const probe = vi.spyOn(store, 'has')
  await system.startWorker(
    { settleEpoch: async ({ artifacts }) => ({ result: { bytes: (await artifacts.get(name)).length } }) },
    { artifacts: store, timing: PATIENT },
  )
  await proxy.set({ mode: 'refuse' })
  for (let epoch = 1; epoch <= 6; epoch++) await system.enqueue('settleEpoch', { epoch })
  await reachAll(system, 'Waiting', 6)
  await untilFailed(probe, 1)
  await vi.waitFor(() => expect(store.has(name)).rejects.toThrow('is not asked now'))
  await proxy.set({ mode: 'pass' })
  await reachAll(system, 'Succeeded', 6)
})

test('when the chain is back, jobs that wait for it are tried at once', async () => {
  const anvil = await startAnvil()
  onTestFinished(() => anvil.stop())
  const proxy = await FaultProxy.open(anvil.url)
  onTestFinished(() => proxy.close())
  const client = createPublicClient({ transport: http(proxy.url(anvil.url), { retryCount: 0, timeout: 1_000 }) })
  const askForBlock = vi.spyOn(client, 'getBlockNumber')
  const system = await testWorker()
  await system.startWorker(
    {
      async settleEpoch({ chain }) {
        await chain.client.getBlockNumber({ cacheTime: 0 })
        return { result: {} }
      },
    },
    { chain: { client, rebroadcast: async () => {} } as unknown as ChainClient, timing: PATIENT },
  )
  await proxy.set({ mode: 'blackHole' })
  for (let epoch = 1; epoch <= 3; epoch++) await system.enqueue('settleEpoch', { epoch })
  await reachAll(system, 'Waiting', 3)
  await untilFailed(askForBlock, 4)
  await proxy.set({ mode: 'pass' })
  await reachAll(system, 'Succeeded', 3)
})

test('a worker that starts when the service is back tries the jobs that waited meanwhile', async () => {
  const system = await testWorker()
  const worker = await system.startWorker({ settleEpoch: () => Promise.reject(away()) }, { timing: PATIENT })
  const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
  await reachAll(system, 'Waiting', 1)
  await worker.stop()
  await system.startWorker({ settleEpoch: async () => ({ result: {} }) }, { timing: PATIENT })
  await reachAll(system, 'Succeeded', 1)
  expect(await findJob(system.db, id)).toMatchObject({ attempt: 2, waits: 0 })
})

test('only jobs of the reason are due, and the wait that is cut short does not count', async () => {
  const { system, state, watch } = await watchOfStore()
  await addWaiting(system, ['ARTIFACT_STORE', 'CHAIN'])
  watch.waits('ARTIFACT_STORE')
  state.answers = false
  await watch.check()
  expect(await waiting(system)).toEqual({ ARTIFACT_STORE: LEFT_ALONE('ARTIFACT_STORE'), CHAIN: LEFT_ALONE('CHAIN') })
  state.answers = true
  await watch.check()
  expect(await waiting(system)).toEqual({ ARTIFACT_STORE: WOKEN('ARTIFACT_STORE'), CHAIN: LEFT_ALONE('CHAIN') })
})

test('a service that fails while another job begins to wait for it has failed', async () => {
  const { system, state, watch } = await watchOfStore(() => watch.waits('ARTIFACT_STORE'))
  await addWaiting(system, ['ARTIFACT_STORE'])
  watch.waits('ARTIFACT_STORE')
  for (const answers of [false, true]) {
    state.answers = answers
    await watch.check()
  }
  expect(await waiting(system)).toEqual({ ARTIFACT_STORE: WOKEN('ARTIFACT_STORE') })
})

test('a service that answers while jobs fail at it makes no job due', async () => {
  const { system, watch } = await watchOfStore()
  await addWaiting(system, ['ARTIFACT_STORE'])
  watch.waits('ARTIFACT_STORE')
  await watch.check()
  await watch.check()
  expect(await waiting(system)).toEqual({ ARTIFACT_STORE: LEFT_ALONE('ARTIFACT_STORE') })
})

test('a service that comes and goes makes jobs due once in ten seconds', async () => {
  const { system, state, watch } = await watchOfStore()
  const comeAndGo = async () => {
    watch.waits('ARTIFACT_STORE')
    for (const answers of [false, true]) {
      state.answers = answers
      await watch.check()
    }
  }
  await comeAndGo()
  await addWaiting(system, ['ARTIFACT_STORE'])
  await comeAndGo()
  expect(await waiting(system)).toEqual({ ARTIFACT_STORE: LEFT_ALONE('ARTIFACT_STORE') })
  state.now += 10_001
  await watch.check()
  expect(await waiting(system)).toEqual({ ARTIFACT_STORE: WOKEN('ARTIFACT_STORE') })
})

test('each reason has a back-off of its own', async () => {
  const system = await testWorker()
  const delays: { code: string; ms: number }[] = []
  await system.startWorker(
    {
      async settleEpoch({ attempt }) {
        if (attempt > 1) delays.push(await lastDelay(attempt))
        if (attempt <= 4) throw away()
        if (attempt <= 6) throw unreachable()
        if (attempt === 7) throw away()
        return { result: {} }
      },
    },
    { timing: { waitMs: 40, maxWaitMs: 10_000 } },
  )
  const lastDelay = async (attempt: number) => {
    const { rows } = await system.db.query(`select code, ms from noted where attempt = $1`, [attempt - 1])
    return rows[0]
  }
  await system.db.query(`create table noted (attempt int, code text, ms float8)`)
  await system.db.query(
    `create function note() returns trigger language plpgsql as $$ begin
       insert into noted values (new.attempt, new.error->>'code', extract(epoch from new.retry_at - new.heartbeat_at) * 1000);
       return new; end $$`,
  )
  await system.db.query(
    `create trigger note after update on job_run for each row when (new.status = 'Waiting') execute function note()`,
  )
  await system.enqueue('settleEpoch', { epoch: 1 })
  await reachAll(system, 'Succeeded', 1)
  expect(delays.map(({ code }) => code)).toEqual([
    ...Array(4).fill('ARTIFACT_STORE'),
    ...Array(2).fill('CHAIN'),
    'ARTIFACT_STORE',
  ])
  for (const [index, nominal] of [40, 80, 160, 320, 40, 80, 640].entries()) {
    expect(delays[index]?.ms).toBeGreaterThanOrEqual(0.75 * nominal - 2)
    expect(delays[index]?.ms).toBeLessThanOrEqual(1.25 * nominal + 2)
  }
})
