import { expect, test, vi } from 'vitest'
import { wakeUps } from '#schema/backlog.ts'
import { findJob } from '#schema/enqueue.ts'
import { claimJobs, claimNextJobs } from './jobState.ts'
import { sweep } from './sweep.ts'
import { testWorker } from './test/testWorker.ts'

type TestSystem = Awaited<ReturnType<typeof testWorker>>
const reach = (system: TestSystem, id: string, status: string) =>
  vi.waitFor(async () => expect((await findJob(system.db, id)).status).toBe(status), { timeout: 10_000, interval: 10 })
const NO_SWEEP = { queuedMs: 60_000 }
const consumer = (digit: string) => `0x${digit.repeat(40)}`
const answer = (of: string) => ({ endpointId: '1', prompt: 'hi', consumer: consumer(of) })

test('the next jobs of a lane are claimed by priority, then age, and at most as many as are wanted', async () => {
  const { db, enqueue } = await testWorker()
  const tune = await enqueue('fineTune', { modelId: '1', datanetId: '1' })
  const evaluations = [await enqueue('evaluate', { versionId: '1' }), await enqueue('evaluate', { versionId: '2' })]
  await enqueue('settleEpoch', { epoch: 1 })
  const claimed = async (count: number) => (await claimNextJobs(db, 'training', count, 'w')).map(({ id }) => id)
  expect(new Set(await claimed(2))).toEqual(new Set(evaluations.map(({ id }) => id)))
  expect(await claimed(2)).toEqual([tune.id])
  expect(await claimed(2)).toEqual([])
})

test('a job is left alone that another claims, that this worker still runs, that waits for its time, or of a kind of a newer release', async () => {
  const { db, enqueue } = await testWorker()
  const [first, runs, later, unknown, last] = await Promise.all(
    ['first', 'runs', 'later', 'unknown', 'last'].map((key) => enqueue('settleEpoch', { epoch: 1 }, key)),
  )
  await db.query(`update job_run set retry_at = clock_timestamp() + interval '1 hour' where id = $1`, [later?.id])
  await db.query(`update job_run set kind = 'newKind' where id = $1`, [unknown?.id])
  await db.transaction(async (sql) => {
    await claimJobs(sql, [String(first?.id)], 'other')
    const claimed = await claimNextJobs(db, 'chain', 10, 'w', [String(runs?.id)])
    expect(claimed.map(({ id }) => id)).toEqual([last?.id])
  })
})

test('an entry of an earlier attempt that arrives late does not start the next before its time', async () => {
  const { db, enqueue } = await testWorker()
  const { id } = await enqueue('settleEpoch', { epoch: 1 })
  await db.query(`update job_run set retry_at = clock_timestamp() + interval '1 hour'`)
  expect(await claimJobs(db, [id], 'w')).toEqual([undefined])
  await db.query(`update job_run set retry_at = clock_timestamp()`)
  expect(await claimJobs(db, [id], 'w')).toEqual([expect.objectContaining({ id, attempt: 1 })])
})

test('while every slot is in use, the answer of another consumer comes before the backlog of the first', async () => {
  const system = await testWorker()
  const order: string[] = []
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const infer = async ({ id }: { id: string }) => {
    order.push(id)
    await opened
    return { result: {} }
  }
  await system.startWorker({ infer }, { timing: NO_SWEEP })
  const first = await system.enqueue('infer', answer('a'))
  await reach(system, first.id, 'Running')
  for (let i = 0; i < 30; i++) await system.enqueue('infer', answer('a'))
  const patient = await system.enqueue('infer', answer('b'))
  open()
  await reach(system, patient.id, 'Succeeded')
  expect(order.indexOf(patient.id)).toBe(1)
})

test('after a failed attempt a job waits its delay, although slots are free and other jobs start', async () => {
  const system = await testWorker()
  const starts: number[] = []
  await system.startWorker(
    {
      async scoreDatanet({ attempt }) {
        starts.push(performance.now())
        if (attempt === 1) throw new Error('the first attempt fails')
        return { result: {} }
      },
      settleEpoch: async () => ({ result: {} }),
    },
    { timing: { ...NO_SWEEP, backoffMs: 400 } },
  )
  const failing = await system.enqueue('scoreDatanet', { datanetId: '1' })
  await reach(system, failing.id, 'Queued')
  while ((await findJob(system.db, failing.id)).status === 'Queued')
    await reach(system, (await system.enqueue('settleEpoch', { epoch: 1 })).id, 'Succeeded')
  await reach(system, failing.id, 'Succeeded')
  const [first = 0, second = 0] = starts
  expect(second - first).toBeGreaterThanOrEqual(390)
})

test('one entry for each lane wakes a worker, however many jobs wait', () => {
  const entry = (lane: 'infer' | 'chain', id: string) => ({ lane, id, attempt: 0 })
  expect(wakeUps([entry('chain', '1'), entry('infer', '2'), entry('chain', '3')])).toEqual([
    { ...entry('chain', '1'), wakes: true },
    { ...entry('infer', '2'), wakes: true },
  ])
})

test('each job that an older release put into another lane is delivered by the queue', async () => {
  const system = await testWorker()
  const made = await Promise.all(Array.from({ length: 5 }, () => system.enqueue('settleEpoch', { epoch: 1 })))
  await system.lose()
  await system.db.query(`update job_run set queue = 'gpu'`)
  await sweep({ db: system.db, queues: system.queues }, { staleMs: undefined, queuedMs: 0 })
  await system.startWorker({ settleEpoch: async () => ({ result: {} }) }, { timing: NO_SWEEP })
  for (const { id } of made) await reach(system, id, 'Succeeded')
})
