import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { must } from '#test/must.ts'
import { cancelJob, EnqueueError, enqueue, findJob, jobId } from './enqueue.ts'
import type { QueueEntry } from './queue.ts'
import { backends, freshQueues, stopRedis } from './test/queues.ts'

afterAll(stopRedis)

const ALICE = '0xAAAAaaaaAAAAaaaaAAAAaaaaAAAAaaaaAAAAaaaa'
const BOB = '0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'
const alice = (key: string) => ({ key, requestedBy: ALICE })

/** A queue that only records its entries: these tests look at the rows. */
async function context() {
  const db = await freshDatabase()
  const added: QueueEntry[] = []
  const add = async (entries: QueueEntry | readonly QueueEntry[]) => void added.push(...[entries].flat())
  return { db, added, queues: { add } }
}

describe.each(backends)('enqueue on %s', (backend) => {
  test('fifty requests with one key create one job, which is delivered once and has its side effect once', async () => {
    const { db, queues } = await freshQueues(backend)
    await db.query('create table effect (job text)')
    const received: string[] = []
    await queues.worker('chain', 8, async ({ id }) => void received.push(id))
    const also = async (sql: { query: typeof db.query }, job: { id: string }) =>
      void (await sql.query('insert into effect values ($1)', [job.id]))
    const made = await Promise.all(
      Array.from({ length: 50 }, () =>
        enqueue({ db, queues }, 'scoreDatanet', { datanetId: '7' }, { ...alice('one'), also }),
      ),
    )
    expect(new Set(made.map(({ id }) => id))).toEqual(new Set([jobId('scoreDatanet', alice('one'))]))
    const { rows } = await db.query(
      'select (select count(*) from job_run) as jobs, (select count(*) from effect) as effects',
    )
    expect(rows[0]).toEqual({ jobs: 1, effects: 1 })
    await expect.poll(() => received.length).toBeGreaterThan(0)
  })
})

test('keys and inputs in any order create one job for each key, with its first input', async () => {
  const { db, queues } = await context()
  const request = fc.record({ key: fc.constantFrom('a', 'b', 'c'), epoch: fc.integer({ min: 1, max: 3 }) })
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 8 }), async (requests) => {
      const prefix = `${++round}-`
      const outcomes = await Promise.allSettled(
        requests.map(({ key, epoch }) => enqueue({ db, queues }, 'settleEpoch', { epoch }, alice(prefix + key))),
      )
      for (const [i, { key, epoch }] of requests.entries()) {
        const job = await findJob(db, jobId('settleEpoch', alice(prefix + key)))
        const outcome = must(outcomes[i])
        if (job.input.epoch === epoch) expect(outcome.status).toBe('fulfilled')
        else expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'IDEMPOTENCY_KEY_REUSED' } })
      }
    }),
    { numRuns: 25, seed: 1 },
  )
})

test('a key belongs to its account and its kind', async () => {
  const { db, queues } = await context()
  const ask = (requestedBy: string | null, kind: 'attribute' | 'scoreDatanet') =>
    enqueue({ db, queues }, kind, kind === 'attribute' ? { receiptId: '1' } : { datanetId: '1' }, {
      key: 'k',
      requestedBy,
    })
  const ids = (
    await Promise.all([
      ask(ALICE, 'attribute'),
      ask(BOB, 'attribute'),
      ask(null, 'attribute'),
      ask(ALICE, 'scoreDatanet'),
    ])
  ).map(({ id }) => id)
  expect(new Set(ids).size).toBe(4)
  expect((await ask(ALICE.toLowerCase(), 'attribute')).id).toBe(ids[0])
})

test('defaults are part of the input: absent or explicit, it is the same request', async () => {
  const { db, queues } = await context()
  const first = await enqueue({ db, queues }, 'evaluate', { versionId: '1' }, alice('e'))
  const second = await enqueue({ db, queues }, 'evaluate', { promote: true, versionId: '1' }, alice('e'))
  expect(second.id).toBe(first.id)
  expect(first.input).toMatchObject({ versionId: '1', promote: true })
})

test('invalid input, an invalid key, and an error in `also` write nothing', async () => {
  const { db, queues, added } = await context()
  const ask = (input: object, key: string, also?: () => Promise<void>) =>
    enqueue({ db, queues }, 'settleEpoch', input, { ...alice(key), also })
  await expect(ask({ epoch: 0 }, 'k')).rejects.toThrow('SettleEpochInput.epoch must be a whole number from 1')
  await expect(ask({ epoch: 1, sneaky: true }, 'k')).rejects.toThrow('sneaky is not a known field')
  await expect(ask({ epoch: 1 }, '')).rejects.toThrow('1 to 200 characters')
  const refuse = () => Promise.reject(new Error('no credit'))
  await expect(ask({ epoch: 1 }, 'k', refuse)).rejects.toThrow('no credit')
  expect((await db.query('select count(*) as n from job_run')).rows).toEqual([{ n: 0 }])
  expect(added).toEqual([])
  expect((await ask({ epoch: 1 }, 'k')).status).toBe('Queued')
})

test('when the queue does not answer, the job exists and only its start is delayed', async () => {
  const { db } = await context()
  const queues = { add: () => Promise.reject(new Error('connection refused')) }
  const job = await enqueue({ db, queues }, 'settleEpoch', { epoch: 3 }, alice('x'))
  expect(await findJob(db, job.id)).toMatchObject({
    status: 'Queued',
    requestedBy: ALICE.toLowerCase(),
    attempt: 0,
    attempts: 5,
  })
})

test('cancelling: at once while queued, by request while running, and never after the end', async () => {
  const { db, queues } = await context()
  const { id } = await enqueue({ db, queues }, 'settleEpoch', { epoch: 3 }, alice('x'))
  expect(await cancelJob({ db }, id)).toMatchObject({ status: 'Cancelled', finishedAt: expect.any(Date) })
  const other = await enqueue({ db, queues }, 'settleEpoch', { epoch: 3 }, alice('y'))
  await db.query(`update job_run set status = 'Running' where id = $1`, [other.id])
  expect(await cancelJob({ db }, other.id)).toMatchObject({ status: 'Running', cancelRequested: true })
  await db.query(`update job_run set status = 'Succeeded' where id = $1`, [other.id])
  expect((await cancelJob({ db }, other.id)).status).toBe('Succeeded')
  await expect(cancelJob({ db }, 'none')).rejects.toThrow(EnqueueError)
})
