import { PassThrough } from 'node:stream'
import pino from 'pino'
import { Registry } from 'prom-client'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { readConfig } from '#config'
import { addToBacklog, backlogAdded } from '#schema/backlog.ts'
import { findJob, queueEntries } from '#schema/enqueue.ts'
import { openQueues } from '#schema/queue.ts'
import { backends, redisUrl, stopRedis } from '#schema/test/queues.ts'
import { FaultProxy } from '#test/faultProxy.ts'
import { sweep } from '#workers/sweep.ts'
import { testWorker } from '#workers/test/testWorker.ts'
import { addQueueMetric } from './queueMetric.ts'
import { serveStatus } from './statusServer.ts'
import { workerReady } from './workerReady.ts'

afterAll(stopRedis)

const IDLE = { infer: 0, attribute: 0, training: 0, chain: 0, recourse: 0, relay: 0 }

/** The log of a worker, a line each. */
function recordedLog() {
  const lines: string[] = []
  const stream = new PassThrough().on('data', (line) => lines.push(JSON.parse(line).msg))
  return { log: pino(stream), lines }
}

/** A worker's queues behind a proxy, and its status. */
async function queuesBehindProxy(backend: 'postgres' | 'redis') {
  const system = await testWorker(backend)
  const target = backend === 'redis' ? await redisUrl() : system.db.url
  const proxy = await FaultProxy.open(target)
  onTestFinished(() => proxy.close())
  const [databaseUrl, redis] = backend === 'redis' ? [system.db.url, proxy.url(target)] : [proxy.url(target), undefined]
  const queues = await openQueues({ databaseUrl, redisUrl: redis, redisPrefix: system.prefix })
  onTestFinished(() => queues.close())
  return { ...system, proxy, queues }
}

test.each(backends)(
  'a worker whose queue on %s does not answer says so: in the log once, by /ready and by a metric',
  async (backend) => {
    const { db, queues, proxy, startWorker } = await queuesBehindProxy(backend)
    const { log, lines } = recordedLog()
    const { id } = await startWorker({}, { queues, log, slots: IDLE })
    const registry = new Registry()
    addQueueMetric(registry, queues)
    const config = readConfig({ WORKER_PORT: '0' }, { requireDeployment: false })
    const status = await serveStatus(config, 'WORKER_PORT', { registry, ready: () => workerReady({ db, queues }, id) })
    onTestFinished(() => status.close())
    const ready = async () => (await fetch(`${status.url}/ready`)).status
    const said = (words: string) => lines.filter((line) => line.startsWith(words)).length
    expect(await ready()).toBe(200)

    await proxy.set({ mode: 'blackHole' })
    const response = await fetch(`${status.url}/ready`)
    expect(response.status).toBe(503)
    expect(await response.text()).toContain(`The queue in ${backend} does not answer: no answer within 1000 ms`)
    expect(await (await fetch(`${status.url}/metrics`)).text()).toContain('modelcommons_queue_answers 0')
    await vi.waitFor(() => expect(said('the queue does not answer')).toBe(1), 5_000)
    for (let more = 0; more < 3; more++) await queues.ping().catch(() => {})
    expect(said('the queue does not answer')).toBe(1)

    await proxy.set({ mode: 'pass' })
    await vi.waitFor(async () => expect(await ready()).toBe(200), { timeout: 20_000 })
    await vi.waitFor(() => expect(said('the queue answers again')).toBe(1), 5_000)
    expect(await (await fetch(`${status.url}/metrics`)).text()).toContain('modelcommons_queue_answers 1')
  },
)

test.each(backends)(
  'neither the backlog nor a sweep waits for a queue on %s that does not answer; the next sweep adds what is missing',
  async (backend) => {
    const { db, queues, proxy, enqueue, startWorker } = await queuesBehindProxy(backend)
    const job = await enqueue('settleEpoch', { epoch: 1 })
    await db.query(`update job_run set status = 'Waiting', retry_at = clock_timestamp()`)
    await proxy.set({ mode: 'blackHole' })
    const now = { staleMs: undefined, queuedMs: 0 }
    const since = performance.now()
    expect(await sweep({ db, queues }, now)).toHaveLength(1)
    expect(await sweep({ db, queues }, now)).toHaveLength(1)
    await db.query(`update job_run set status = 'Queued', retry_at = null`)
    addToBacklog({ db, queues }, queueEntries([job]))
    await backlogAdded(queues)
    expect(performance.now() - since).toBeLessThan(15_000)

    await proxy.set({ mode: 'pass' })
    await startWorker({ settleEpoch: async () => ({ result: {} }) }, { queues })
    await vi.waitFor(async () => expect((await findJob(db, job.id)).status).toBe('Succeeded'), { timeout: 20_000 })
  },
)

test('a worker on a database that became read-only is not ready', async () => {
  const { db, queues, startWorker } = await testWorker()
  const { id } = await startWorker({}, { slots: IDLE })
  expect(await workerReady({ db, queues }, id)).toEqual({ ready: true })
  await db.query(
    `do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`,
  )
  db.breakConnections()
  await vi.waitFor(async () =>
    expect(await workerReady({ db, queues }, id)).toEqual({
      ready: false,
      reason: expect.stringContaining('The database is read-only'),
    }),
  )
})
