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

/** A row that a job may leave. */
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
type House = Awaited<ReturnType<typeof testWorker>>
const ended = (house: House, id: string) =>
  vi.waitFor(
    async () => {
      const job = await findJob(house.db, id)
      expect(['Succeeded', 'Failed', 'Cancelled']).toContain(job.status)
      return job
    },
    { timeout: 10_000, interval: 20 },
  )
const count = async (house: House, table: string) =>
  Number((await house.db.query(`select count(*) as n from ${table}`)).rows[0].n)

describe.each(backends)('a job on %s', (backend) => {
  test('is run, shows its progress and curve, and leaves result, rows, artifacts and the next job at once', async () => {
    const house = await testWorker(backend)
    const heard: Notification[] = []
    const silence = await listenNotifications(house.db, (notice) => heard.push(notice))
    const bytes = new TextEncoder().encode('an adapter')
    let made = ''
    await house.worker({
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
    const { id } = await house.ask('fineTune', { modelId: '1', datanetId: '1' })
    const job = await ended(house, id)
    expect(job).toMatchObject({
      status: 'Succeeded',
      attempt: 1,
      progress: 1,
      result: { adapter: keccak256(bytes) },
      error: null,
    })
    const { rows: points } = await house.db.query('select id, value from job_metric order by id')
    expect(points.map((point) => point.value)).toEqual([4, 3, 2, 1, 0])
    expect(points[0].id).toBe(`${id}-loss-0000000000`)
    const { rows: artifacts } = await house.db.query('select id, kind, size from artifact order by kind')
    expect(artifacts).toEqual([
      { id: made, kind: 'adapter', size: 10n },
      { id: keccak256(new TextEncoder().encode('{}')), kind: 'manifest', size: 2n },
    ])
    expect(Buffer.from(await house.artifacts.get(made)).toString()).toBe('an adapter')
    const { rows } = await house.db.query('select id from job_run where parent_id = $1', [id])
    expect(await ended(house, rows[0].id)).toMatchObject({ status: 'Succeeded', result: { epoch: 4 } })
    await vi.waitFor(() => expect(existsSync(join(house.folder, 'checkpoints', id))).toBe(false)) // once all is told
    await silence()
    const told = heard.filter((notice) => notice.type === 'job' && notice.id === id)
    expect(told.map((notice) => 'status' in notice && notice.status)).toEqual(
      expect.arrayContaining(['Queued', 'Running', 'Succeeded']),
    )
    expect(told.some((notice) => 'progress' in notice && notice.progress > 0 && notice.progress < 1)).toBe(true)
  })

  test('is found by the sweep when the queue has lost everything', async () => {
    const house = await testWorker(backend)
    const jobs = await Promise.all(Array.from({ length: 20 }, (_, i) => house.ask('settleEpoch', { epoch: i + 1 })))
    await house.lose()
    let runs = 0
    await house.worker({
      settleEpoch: async () => {
        runs++
        return { result: {} }
      },
    })
    for (const { id } of jobs) expect(await ended(house, id)).toMatchObject({ status: 'Succeeded', attempt: 1 })
    expect(runs).toBe(20)
  })
})

test('a fault of ours is tried again, with a pause, up to the attempts; the last one says what is known', async () => {
  const house = await testWorker()
  const starts: number[] = []
  await house.worker({
    async settleEpoch({ attempt }) {
      starts.push(Date.now())
      throw new Error(`no answer from postgresql://me:secret@host/db at attempt ${attempt}\n    at stack`)
    },
  })
  const { id } = await house.ask('settleEpoch', { epoch: 1 })
  expect(await ended(house, id)).toMatchObject({
    status: 'Failed',
    attempt: 5,
    error: { code: 'INTERNAL', message: 'no answer from postgresql://me:…@host/db at attempt 5' },
  })
  expect(starts).toHaveLength(5)
  expect(starts[4]! - starts[3]!).toBeGreaterThanOrEqual(150)
})

test('a fault of the request fails at once, with its code', async () => {
  const house = await testWorker()
  let runs = 0
  await house.worker({
    async settleEpoch() {
      runs++
      throw new JobError('EPOCH_OPEN', 'Epoch 1 has not ended. Ask again after block 5.')
    },
  })
  const { id } = await house.ask('settleEpoch', { epoch: 1 })
  expect(await ended(house, id)).toMatchObject({
    status: 'Failed',
    attempt: 1,
    error: { code: 'EPOCH_OPEN', message: 'Epoch 1 has not ended. Ask again after block 5.' },
  })
  expect(runs).toBe(1)
})

test('a job that fails or is cancelled gives its reserved credit back', async () => {
  const house = await testWorker()
  const hold = (id: string) =>
    house.db.query(
      `insert into credit_hold (id, consumer, endpoint_id, maximum, open, created_at, price_in, price_out)
       values ($1, '0x1', '1', 10, true, now(), 1, 1)`,
      [id],
    )
  const consumer = `0x${'1'.repeat(40)}`
  const { id } = await house.ask('infer', { endpointId: '1', prompt: 'hi', consumer })
  await hold(id)
  await house.worker({ infer: () => Promise.reject(new JobError('NO', 'No.')) })
  await ended(house, id)
  const { rows } = await house.db.query('select open, fee from credit_hold')
  expect(rows).toEqual([{ open: false, fee: 0n }])
})

test('rows are stored all or none: one that may not be written fails the job and leaves nothing', async () => {
  const house = await testWorker()
  await house.worker({
    settleEpoch: async () => ({ result: {}, rows: [influence('t1'), row(Holder, { id: '0x1' })] }),
  })
  const { id } = await house.ask('settleEpoch', { epoch: 1 })
  const job = await ended(house, id)
  expect(job.error?.message).toContain('Holder is on-chain: only the indexer writes it')
  expect(await count(house, 'version_influence')).toBe(0)
})

test('a running job that is cancelled is told why, and ends as Cancelled', async () => {
  const house = await testWorker()
  let why: string | undefined
  await house.worker({
    async fineTune({ signal, report }) {
      report(0.5, 'training')
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      why = (signal.reason as Interruption).reason
      throw new Error('the engine was killed')
    },
  })
  const { id } = await house.ask('fineTune', { modelId: '1', datanetId: '1' })
  await vi.waitFor(async () => expect((await findJob(house.db, id)).progress).toBe(0.5))
  const asked = Date.now()
  await cancelJob(house, id)
  expect(await ended(house, id)).toMatchObject({ status: 'Cancelled', error: null })
  expect(why).toBe('cancelled')
  expect(Date.now() - asked).toBeLessThan(500)
})

test('a cancelled job whose code does not listen is given up after the grace, and what it returns later is ignored', async () => {
  const house = await testWorker()
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let returned = false
  await house.worker(
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
  const { id } = await house.ask('settleEpoch', { epoch: 1 })
  await vi.waitFor(async () => expect((await findJob(house.db, id)).status).toBe('Running'))
  await cancelJob(house, id)
  expect((await ended(house, id)).status).toBe('Cancelled')
  release()
  const later = await house.ask('scoreDatanet', { datanetId: '1' })
  expect((await ended(house, later.id)).status).toBe('Succeeded') // the worker has had time to store the late result
  expect(returned).toBe(true)
  expect((await findJob(house.db, id)).status).toBe('Cancelled')
  expect(await count(house, 'version_influence')).toBe(0)
})

test('a stalled twin, given up for dead, changes nothing when it wakes', async () => {
  const house = await testWorker()
  const { id } = await house.ask('settleEpoch', { epoch: 1 })
  const twin = (await claimJob(house.db, id, 'twin'))!
  await house.db.query(`update job_run set heartbeat_at = now() - interval '1 hour' where id = $1`, [id])
  let running = false
  const release = deferred()
  await house.worker({
    async settleEpoch() {
      running = true
      await release.promise
      return { result: { by: 'the other' }, rows: [influence('other')] }
    },
  })
  await vi.waitFor(() => expect(running).toBe(true), { timeout: 5000 })
  const attempts = async () => {
    await saveMetricPoints(house.db, twin, [{ name: 'loss', step: 1, value: 1 }])
    await expect(writeHeartbeat(house.db, twin, { progress: 0.9, stage: 'twin' })).rejects.toThrow(ClaimLostError)
    await expect(
      completeJob(house.db, twin, { result: { by: 'twin' }, rows: [influence('twin')] }, []),
    ).rejects.toThrow(ClaimLostError)
    await expect(endJob(house.db, twin, 'Failed', { code: 'X', message: 'x' })).rejects.toThrow(ClaimLostError)
    await expect(requeueJob(house.db, twin)).rejects.toThrow(ClaimLostError)
  }
  await attempts()
  release.resolve()
  expect(await ended(house, id)).toMatchObject({ status: 'Succeeded', attempt: 2, result: { by: 'the other' } })
  await attempts()
  const { rows } = await house.db.query('select id from version_influence')
  expect(rows).toEqual([{ id: 'other' }])
  expect(await count(house, 'job_metric')).toBe(0)
})

const deferred = () => {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

test('a claim that a crash of the database forgot is no claim, even when its number is given again', async () => {
  const house = await testWorker()
  const { id } = await house.ask('settleEpoch', { epoch: 1 })
  const forgotten = (await claimJob(house.db, id, 'first'))!
  await house.db.query(`update job_run set status = 'Queued', attempt = 0, worker_id = null where id = $1`, [id])
  const second = (await claimJob(house.db, id, 'second'))!
  expect(second.attempt).toBe(forgotten.attempt)
  await expect(writeHeartbeat(house.db, forgotten)).rejects.toThrow(ClaimLostError)
  await expect(completeJob(house.db, forgotten, { result: {} }, [])).rejects.toThrow(ClaimLostError)
  await completeJob(house.db, second, { result: { by: 'second' } }, [])
  expect((await findJob(house.db, id)).result).toEqual({ by: 'second' })
})

test('a job whose worker is lost at every attempt fails, and says so', async () => {
  const house = await testWorker()
  const { id } = await house.ask('settleEpoch', { epoch: 1 })
  await house.db.query(
    `update job_run set status = 'Running', attempt = 5, heartbeat_at = now() - interval '1 hour' where id = $1`,
    [id],
  )
  await house.worker({})
  expect(await ended(house, id)).toMatchObject({ status: 'Failed', error: { code: 'WORKER_LOST' } })
})

test('a worker that stops puts GPU jobs back after their checkpoint, lets CPU jobs finish, and counts no failure', async () => {
  const house = await testWorker()
  const training: Partial<JobHandlers> = {
    async fineTune({ signal, attempt, checkpointFolder }) {
      const place = join(checkpointFolder, 'place')
      if (attempt > 1) return { result: { resumed: existsSync(place) } }
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      await writeFile(place, '17')
      throw signal.reason
    },
    async settleEpoch() {
      await sleep(250)
      return { result: {} }
    },
  }
  const first = await house.worker(training)
  const gpu = await house.ask('fineTune', { modelId: '1', datanetId: '1' })
  const cpu = await house.ask('settleEpoch', { epoch: 1 })
  await vi.waitFor(() => expect(first.running).toBe(2))
  await first.stop()
  expect(await findJob(house.db, gpu.id)).toMatchObject({ status: 'Queued', attempt: 1, attempts: 6, workerId: null })
  expect(await findJob(house.db, cpu.id)).toMatchObject({ status: 'Succeeded' })
  await house.worker(training)
  expect(await ended(house, gpu.id)).toMatchObject({ status: 'Succeeded', attempt: 2, result: { resumed: true } })
})

test('a worker announces itself and shows life', async () => {
  const house = await testWorker()
  const worker = await house.worker({}, { streamUrl: 'http://127.0.0.1:9/stream' })
  const read = async () => (await house.db.query('select * from worker_node where id = $1', [worker.id])).rows[0]
  const before = await read()
  expect(before).toMatchObject({ pid: process.pid, device: 'cpu', stream_url: 'http://127.0.0.1:9/stream' })
  await vi.waitFor(async () => expect((await read()).heartbeat_at > before.heartbeat_at).toBe(true))
})
