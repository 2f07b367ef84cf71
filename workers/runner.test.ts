import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { keccak256 } from 'viem'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { cancelJob, findJob } from '#schema/enqueue.ts'
import { listenNotifications, type Notification } from '#schema/notifications.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { Holder } from '#schema/onchain/governance.ts'
import { row } from '#schema/rows.ts'
import { backends, stopRedis } from '#schema/test/queues.ts'
import { account } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { type Interruption, JobError, type JobHandlers } from './job.ts'
import {
  ClaimLostError,
  claimJob,
  completeJob,
  endJob,
  requeueJob,
  saveMetricPoints,
  writeHeartbeat,
} from './jobState.ts'
import { testWorker } from './test/testWorker.ts'

afterAll(stopRedis)

/** A row that a job may store. */
const influence = (id: string) =>
  row(VersionInfluence, {
    id,
    versionId: '1',
    contributionId: id,
    influence: 0.5,
    standardError: 0.1,
    significant: true,
    harmful: false,
    weight: 10,
  })
type TestSystem = Awaited<ReturnType<typeof testWorker>>
const ended = (system: TestSystem, id: string) =>
  vi.waitFor(
    async () => {
      const job = await findJob(system.db, id)
      expect(['Succeeded', 'Failed', 'Cancelled']).toContain(job.status)
      return job
    },
    { timeout: 10_000, interval: 20 },
  )
const count = async (system: TestSystem, table: string) =>
  Number((await system.db.query(`select count(*) as n from ${table}`)).rows[0].n)

describe.each(backends)('a job on %s', (backend) => {
  test('runs, shows its progress and metrics, and stores result, rows, artifacts and the next job together', async () => {
    const system = await testWorker(backend)
    const notifications: Notification[] = []
    const stopListening = await listenNotifications(system.db, (notification) => notifications.push(notification))
    const bytes = new TextEncoder().encode('an adapter')
    let made = ''
    await system.startWorker({
      async fineTune(job) {
        expect(job.input).toMatchObject({ modelId: '1', rank: 8 })
        for (let step = 0; step < 5; step++) {
          job.report(step / 5, 'training')
          job.metric('loss', step, 5 - step)
          job.metric('loss', step, 4 - step)
          await sleep(30)
        }
        job.metric('loss', 9, Number.NaN)
        made = await job.put({ kind: 'adapter', mediaType: 'application/octet-stream', bytes })
        await writeFile(join(job.checkpointFolder, 'weights'), 'x')
        const manifest = { kind: 'manifest', mediaType: 'application/json', bytes: new TextEncoder().encode('{}') }
        return {
          result: { adapter: made },
          artifacts: [manifest],
          rows: [influence('t1')],
          next: [{ kind: 'settleEpoch', input: { epoch: 4 }, key: 'then' }],
        }
      },
      settleEpoch: async (job) => ({ result: { epoch: job.input.epoch } }),
    })
    const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
    const job = await ended(system, id)
    expect(job).toMatchObject({
      status: 'Succeeded',
      attempt: 1,
      progress: 1,
      result: { adapter: keccak256(bytes) },
      error: null,
    })
    const { rows: points } = await system.db.query('select id, value from job_metric order by id')
    expect(points.map((point) => point.value)).toEqual([4, 3, 2, 1, 0])
    expect(points[0].id).toBe(`${id}-loss-0000000000`)
    const { rows: artifacts } = await system.db.query('select id, kind, size from artifact order by kind')
    expect(artifacts).toEqual([
      { id: made, kind: 'adapter', size: 10n },
      { id: keccak256(new TextEncoder().encode('{}')), kind: 'manifest', size: 2n },
    ])
    expect(Buffer.from(await system.artifacts.get(made)).toString()).toBe('an adapter')
    const { rows } = await system.db.query('select id from job_run where parent_id = $1', [id])
    expect(await ended(system, rows[0].id)).toMatchObject({ status: 'Succeeded', result: { epoch: 4 } })
    await vi.waitFor(() => expect(existsSync(join(system.folder, 'checkpoints', id))).toBe(false)) // removed after the last notification
    await stopListening()
    const ofJob = notifications.filter((notification) => notification.type === 'job' && notification.id === id)
    expect(ofJob.map((notice) => 'status' in notice && notice.status)).toEqual(
      expect.arrayContaining(['Queued', 'Running', 'Succeeded']),
    )
    expect(ofJob.some((notice) => 'progress' in notice && notice.progress > 0 && notice.progress < 1)).toBe(true)
  })

  test('is queued again by the sweep when the queue has lost its entries', async () => {
    const system = await testWorker(backend)
    const jobs = await Promise.all(
      Array.from({ length: 20 }, (_, i) => system.enqueue('settleEpoch', { epoch: i + 1 })),
    )
    await system.lose()
    let runs = 0
    await system.startWorker({
      settleEpoch: async () => {
        runs++
        return { result: {} }
      },
    })
    for (const { id } of jobs) expect(await ended(system, id)).toMatchObject({ status: 'Succeeded', attempt: 1 })
    expect(runs).toBe(20)
  })
})

test('an internal error is retried with a delay up to the number of attempts; the last attempt stores the message', async () => {
  const system = await testWorker()
  const starts: number[] = []
  await system.startWorker({
    async settleEpoch({ attempt }) {
      starts.push(Date.now())
      throw new Error(`no answer from postgresql://me:secret@host/db at attempt ${attempt}\n    at stack`)
    },
  })
  const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
  expect(await ended(system, id)).toMatchObject({
    status: 'Failed',
    attempt: 5,
    error: { code: 'INTERNAL', message: 'no answer from postgresql://me:…@host/db at attempt 5' },
  })
  expect(starts).toHaveLength(5)
  const [, , , fourth = 0, fifth = 0] = starts
  expect(fifth - fourth).toBeGreaterThanOrEqual(150)
})

test('a wrong request fails at once, with its code', async () => {
  const system = await testWorker()
  let runs = 0
  await system.startWorker({
    async settleEpoch() {
      runs++
      throw new JobError('EPOCH_OPEN', 'Epoch 1 has not ended. Ask again after block 5.')
    },
  })
  const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
  expect(await ended(system, id)).toMatchObject({
    status: 'Failed',
    attempt: 1,
    error: { code: 'EPOCH_OPEN', message: 'Epoch 1 has not ended. Ask again after block 5.' },
  })
  expect(runs).toBe(1)
})

test('a job that fails or is cancelled releases its credit hold', async () => {
  const system = await testWorker()
  const hold = (id: string) =>
    system.db.query(
      `insert into credit_hold (id, consumer, endpoint_id, maximum, open, created_at, price_in, price_out)
       values ($1, '0x1', '1', 10, true, now(), 1, 1)`,
      [id],
    )
  const consumer = `0x${'1'.repeat(40)}`
  const { id } = await system.enqueue('infer', { endpointId: '1', prompt: 'hi', consumer })
  await hold(id)
  await system.startWorker({ infer: () => Promise.reject(new JobError('NO', 'No.')) })
  await ended(system, id)
  const { rows } = await system.db.query('select open, fee from credit_hold')
  expect(rows).toEqual([{ open: false, fee: 0n }])
})

test('rows are stored all or none: a row that may not be written fails the job, and no row is stored', async () => {
  const system = await testWorker()
  await system.startWorker({
    settleEpoch: async () => ({ result: {}, rows: [influence('t1'), row(Holder, { id: '0x1' })] }),
  })
  const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
  const job = await ended(system, id)
  expect(job.error?.message).toContain('Holder is an on-chain table: only the indexer writes it')
  expect(await count(system, 'version_influence')).toBe(0)
})

test('a running job that is cancelled learns the reason and ends as Cancelled', async () => {
  const system = await testWorker()
  let reason: string | undefined
  await system.startWorker({
    async fineTune({ signal, report }) {
      report(0.5, 'training')
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      reason = (signal.reason as Interruption).reason
      throw new Error('the engine was killed')
    },
  })
  const { id } = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
  await vi.waitFor(async () => expect((await findJob(system.db, id)).progress).toBe(0.5))
  const asked = Date.now()
  await cancelJob(system, id)
  expect(await ended(system, id)).toMatchObject({ status: 'Cancelled', error: null })
  expect(reason).toBe('cancelled')
  expect(Date.now() - asked).toBeLessThan(5_000)
})

test('a call that is cancelled while it runs, without an answer, keeps no texts; the journal is cleared of what a lost attempt may have left', async () => {
  const system = await testWorker()
  await system.startWorker({
    async infer({ signal }) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      throw signal.reason
    },
  })
  const { id } = await system.enqueue('infer', { endpointId: '1', prompt: 'secret', consumer: account(1) })
  await vi.waitFor(async () => expect((await findJob(system.db, id)).status).toBe('Running'))
  await cancelJob(system, id)
  const { status, input, textsRemovedAt } = await ended(system, id)
  expect([status, textsRemovedAt, JSON.stringify(input).includes('secret')]).toEqual([
    'Cancelled',
    expect.any(Date),
    false,
  ])
  expect((await system.db.query('select id from journalled_text')).rows).toEqual([{ id }])
})

test('a cancelled job whose handler ignores the signal is abandoned after the grace period, and its later result is ignored', async () => {
  const system = await testWorker()
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let returned = false
  await system.startWorker(
    {
      async settleEpoch() {
        await released
        returned = true
        return { result: {}, rows: [influence('late')] }
      },
      scoreDatanet: async () => ({ result: {} }),
    },
    { timing: { graceMs: 200 } },
  )
  const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
  await vi.waitFor(async () => expect((await findJob(system.db, id)).status).toBe('Running'))
  await cancelJob(system, id)
  expect((await ended(system, id)).status).toBe('Cancelled')
  release()
  const later = await system.enqueue('scoreDatanet', { datanetId: '1' })
  expect((await ended(system, later.id)).status).toBe('Succeeded') // the worker has had time to store the late result
  expect(returned).toBe(true)
  expect((await findJob(system.db, id)).status).toBe('Cancelled')
  expect(await count(system, 'version_influence')).toBe(0)
})

test('a stalled worker that counts as lost changes nothing when it continues', async () => {
  const system = await testWorker()
  const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
  const twin = must(await claimJob(system.db, id, 'twin'), 'claim')
  await system.db.query(`update job_run set heartbeat_at = now() - interval '1 hour' where id = $1`, [id])
  let running = false
  const release = deferred()
  await system.startWorker({
    async settleEpoch() {
      running = true
      await release.promise
      return { result: { by: 'the other' }, rows: [influence('other')] }
    },
  })
  await vi.waitFor(() => expect(running).toBe(true), { timeout: 5000 })
  const attempts = async () => {
    await saveMetricPoints(system.db, twin, [{ name: 'loss', step: 1, value: 1 }])
    await expect(writeHeartbeat(system.db, twin, { progress: 0.9, stage: 'twin' })).rejects.toThrow(ClaimLostError)
    await expect(
      completeJob(system.db, twin, { result: { by: 'twin' }, rows: [influence('twin')] }, []),
    ).rejects.toThrow(ClaimLostError)
    await expect(endJob(system.db, twin, 'Failed', { code: 'X', message: 'x' })).rejects.toThrow(ClaimLostError)
    await expect(requeueJob(system.db, twin)).rejects.toThrow(ClaimLostError)
  }
  await attempts()
  release.resolve()
  expect(await ended(system, id)).toMatchObject({ status: 'Succeeded', attempt: 2, result: { by: 'the other' } })
  await attempts()
  const { rows } = await system.db.query('select id from version_influence')
  expect(rows).toEqual([{ id: 'other' }])
  expect(await count(system, 'job_metric')).toBe(0)
})

const deferred = () => {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

test('a claim that a crash of the database lost does not hold, even when its attempt number is given again', async () => {
  const system = await testWorker()
  const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
  const forgotten = must(await claimJob(system.db, id, 'first'), 'claim')
  await system.db.query(`update job_run set status = 'Queued', attempt = 0, worker_id = null where id = $1`, [id])
  const second = must(await claimJob(system.db, id, 'second'), 'claim')
  expect(second.attempt).toBe(forgotten.attempt)
  await expect(writeHeartbeat(system.db, forgotten)).rejects.toThrow(ClaimLostError)
  await expect(completeJob(system.db, forgotten, { result: {} }, [])).rejects.toThrow(ClaimLostError)
  await completeJob(system.db, second, { result: { by: 'second' } }, [])
  expect((await findJob(system.db, id)).result).toEqual({ by: 'second' })
})

test('a job whose worker is lost at every attempt fails with WORKER_LOST', async () => {
  const system = await testWorker()
  const { id } = await system.enqueue('settleEpoch', { epoch: 1 })
  await system.db.query(
    `update job_run set status = 'Running', attempt = 5, heartbeat_at = now() - interval '1 hour' where id = $1`,
    [id],
  )
  await system.startWorker({})
  expect(await ended(system, id)).toMatchObject({ status: 'Failed', error: { code: 'WORKER_LOST' } })
})

test('a worker that stops requeues GPU jobs after their checkpoint without counting the attempt, and lets CPU jobs finish', async () => {
  const system = await testWorker()
  const training: Partial<JobHandlers> = {
    async fineTune({ signal, attempt, checkpointFolder }) {
      const checkpoint = join(checkpointFolder, 'checkpoint')
      if (attempt > 1) return { result: { resumed: existsSync(checkpoint) } }
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      await writeFile(checkpoint, '17')
      throw signal.reason
    },
    async settleEpoch() {
      await sleep(250)
      return { result: {} }
    },
  }
  const first = await system.startWorker(training)
  const gpu = await system.enqueue('fineTune', { modelId: '1', datanetId: '1' })
  const cpu = await system.enqueue('settleEpoch', { epoch: 1 })
  await vi.waitFor(() => expect(first.running).toBe(2))
  await first.stop()
  expect(await findJob(system.db, gpu.id)).toMatchObject({ status: 'Queued', attempt: 1, attempts: 6, workerId: null })
  expect(await findJob(system.db, cpu.id)).toMatchObject({ status: 'Succeeded' })
  await system.startWorker(training)
  expect(await ended(system, gpu.id)).toMatchObject({ status: 'Succeeded', attempt: 2, result: { resumed: true } })
})

test('a worker registers itself and writes heartbeats', async () => {
  const system = await testWorker()
  const worker = await system.startWorker({}, { streams: { url: 'http://127.0.0.1:9', key: 'k' } })
  const read = async () => (await system.db.query('select * from worker_node where id = $1', [worker.id])).rows[0]
  const before = await read()
  expect(before).toMatchObject({ pid: process.pid, device: 'cpu', stream_url: 'http://127.0.0.1:9', stream_key: 'k' })
  await vi.waitFor(async () => expect((await read()).heartbeat_at > before.heartbeat_at).toBe(true))
})
