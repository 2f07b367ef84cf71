import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { FaultProxy } from '#test/faultProxy.ts'
import { must } from '#test/must.ts'
import { freePort } from './postgres.ts'
import { openQueues, type QueueEntry, requireRedis } from './queue.ts'
import { backends, freshQueues, redisUrl, stopRedis } from './test/queues.ts'
import { redisIsMissing } from './test/redis.ts'

afterAll(stopRedis)

/** A promise that holds work until the test releases it. */
function gate() {
  let release = () => {}
  const promise = new Promise<void>((resolve) => {
    release = resolve
  })
  return { promise, release }
}

const entry = (over: Partial<QueueEntry> = {}): QueueEntry => ({ lane: 'chain', id: randomUUID(), attempt: 0, ...over })

describe.each(backends)('the queue on %s', (backend) => {
  test('tells within a second when its backend does not answer, and that it answers again', async () => {
    const db = await freshDatabase()
    const target = backend === 'redis' ? await redisUrl() : db.url
    const proxy = await FaultProxy.open(target)
    onTestFinished(() => proxy.close())
    const through = proxy.url(target)
    const queues = await openQueues(
      backend === 'redis' ? { databaseUrl: db.url, redisUrl: through } : { databaseUrl: through },
    )
    onTestFinished(() => queues.close())
    await queues.ping()
    await proxy.set({ mode: 'blackHole' })
    await expect(queues.ping()).rejects.toThrow('no answer within 1000 ms')
    await proxy.set({ mode: 'pass' })
    await vi.waitFor(() => queues.ping(), { timeout: 20_000 })
  })

  test('delivers an entry once, however often it was added before', async () => {
    const { queues, reopen } = await freshQueues(backend)
    const other = await reopen()
    const one = entry()
    await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? queues : other).add(one)))
    const received: string[] = []
    const { promise: held, release } = gate()
    const workers = [queues, other].map((side) =>
      side.worker('chain', 4, async ({ id }) => {
        received.push(id)
        await held
      }),
    )
    await Promise.all(workers)
    await vi.waitFor(() => expect(received).toEqual([one.id]))
    await queues.add(one)
    const next = entry()
    await queues.add(next) // delivered after everything that was added before
    await vi.waitFor(() => expect(received).toContain(next.id))
    release()
    for (const worker of workers) await (await worker).close() // waits for running work
    expect(received).toEqual([one.id, next.id])
  })

  test('delivers the next attempt while the entry of the last one is still held', async () => {
    const { queues } = await freshQueues(backend)
    const received: number[] = []
    const { promise: held, release } = gate()
    await queues.worker('chain', 2, async ({ attempt }) => {
      received.push(attempt)
      if (attempt === 0) await held
    })
    const one = entry()
    await queues.add(one)
    await vi.waitFor(() => expect(received).toEqual([0]))
    await queues.add({ ...one, attempt: 1 })
    await vi.waitFor(() => expect(received).toEqual([0, 1]))
    release()
  })

  test('keeps lanes separate, and limits their concurrency', async () => {
    const { queues } = await freshQueues(backend)
    const most = { training: 0, chain: 0 }
    const now = { training: 0, chain: 0 }
    const done = { training: 0, chain: 0 }
    const work = (name: 'training' | 'chain') => async (given: QueueEntry) => {
      expect(given.lane).toBe(name)
      most[name] = Math.max(most[name], ++now[name])
      await sleep(5)
      now[name]--
      done[name]++
    }
    await queues.add(Array.from({ length: 80 }, (_, i) => entry({ lane: i % 4 ? 'chain' : 'training' })))
    await queues.worker('training', 1, work('training'))
    await queues.worker('chain', 8, work('chain'))
    await vi.waitFor(() => expect(done).toEqual({ training: 20, chain: 60 }), { timeout: 10_000 })
    expect(most.training).toBe(1)
    expect(most.chain).toBeGreaterThan(1)
    expect(most.chain).toBeLessThanOrEqual(8)
  })

  test('delivers a delayed entry only after its delay', async () => {
    const { queues } = await freshQueues(backend)
    const received: number[] = []
    await queues.worker('chain', 1, async () => void received.push(Date.now()))
    const asked = Date.now()
    await queues.add(entry({ delayMs: 400 }))
    await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 5000 })
    expect(must(received[0]) - asked).toBeGreaterThanOrEqual(390)
  })

  test('removes an entry whose work threw, so that it can be added again', async () => {
    const { queues } = await freshQueues(backend)
    let calls = 0
    await queues.worker('chain', 1, async () => {
      calls++
      throw new Error('the database does not answer')
    })
    const one = entry()
    await queues.add(one)
    await vi.waitFor(() => expect(calls).toBe(1))
    await vi.waitFor(async () => {
      await queues.add(one) // has no effect until the queue has removed the first
      expect(calls).toBeGreaterThan(1)
    })
  })

  test('continues after all its entries were lost', async () => {
    const { queues, lose } = await freshQueues(backend)
    const one = entry({ delayMs: 60_000 })
    await queues.add(one)
    await lose()
    await queues.add({ ...one, delayMs: 0 })
    const received: string[] = []
    await queues.worker('chain', 1, async ({ id }) => void received.push(id))
    await vi.waitFor(() => expect(received).toEqual([one.id]))
  })

  test('a worker works when all entries were lost before its start, or are lost while it runs', async () => {
    const { queues, lose } = await freshQueues(backend)
    await lose()
    const received: string[] = []
    await queues.worker('chain', 1, async ({ id }) => void received.push(id))
    const [first, second] = [entry(), entry()]
    await queues.add(first)
    await vi.waitFor(() => expect(received).toEqual([first.id]), { timeout: 5000 })
    await lose()
    await queues.add(second)
    await vi.waitFor(() => expect(received).toEqual([first.id, second.id]), { timeout: 10_000 })
  })

  test('queues and workers open and work even when everything is lost during their opening', async () => {
    for (let round = 0; round < 6; round++) {
      const { queues, lose } = await freshQueues(backend)
      const received: string[] = []
      const opening = queues.worker('chain', 1, async ({ id }) => void received.push(id))
      await sleep(3 * round)
      await lose()
      await opening
      const one = entry()
      await queues.add(one)
      await vi.waitFor(() => expect(received).toEqual([one.id]), { timeout: 10_000 })
    }
  })

  test('a paused worker takes nothing new, and closing waits for running work', async () => {
    const { queues } = await freshQueues(backend)
    const received: string[] = []
    let finished = 0
    const { promise: held, release } = gate()
    const worker = await queues.worker('chain', 1, async ({ id }) => {
      received.push(id)
      await held
      finished++
    })
    const [first, second] = [entry(), entry()]
    await queues.add(first)
    await vi.waitFor(() => expect(received).toHaveLength(1))
    await worker.pause()
    await queues.add(second)
    const closed = worker.close()
    release()
    await closed
    expect({ received, finished }).toEqual({ received: [first.id], finished: 1 })
  })
})

test('a REDIS_URL that does not answer is an error that names it, and hides the password', async () => {
  const { url: databaseUrl } = await freshDatabase()
  const redisUrl = `redis://user:secret@127.0.0.1:${await freePort()}`
  const failure = await openQueues({ databaseUrl, redisUrl }).catch((error: Error) => error.message)
  expect(failure).toMatch(/^REDIS_URL: no Redis answers at redis:\/\/user:…@127/)
  expect(failure).not.toContain('secret')
})

test('a database that does not answer is an error that names DATABASE_URL', async () => {
  const databaseUrl = `postgresql://nobody:secret@127.0.0.1:${await freePort()}/none`
  await expect(openQueues({ databaseUrl })).rejects.toThrow(/^DATABASE_URL: /)
})

const missing = redisIsMissing()
if (missing) test(`the queue on redis: not run, ${missing}`, (context) => context.skip(missing))
else
  test('two installations on one Redis are separate', async () => {
    const url = await redisUrl()
    const [here, there] = await Promise.all([freshQueues('redis'), freshQueues('redis')])
    expect(url).toBe(there.redisUrl)
    const received: string[] = []
    await here.queues.add(entry())
    const own = entry()
    await there.queues.add(own)
    const worker = await there.queues.worker('chain', 1, async ({ id }) => void received.push(id))
    await vi.waitFor(() => expect(received).toContain(own.id))
    await worker.close()
    expect(received).toEqual([own.id])
  })

if (!missing)
  test('a Redis that drops keys is told by its policy', async () => {
    const redis = new Redis(await redisUrl())
    onTestFinished(async () => {
      await redis.config('SET', 'maxmemory-policy', 'noeviction')
      redis.disconnect()
    })
    expect(await requireRedis(await redisUrl())).toBe('noeviction')
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
    expect(await requireRedis(await redisUrl())).toBe('allkeys-lru')
  })
