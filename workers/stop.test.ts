import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { openQueues } from '#schema/queue.ts'
import { backends, redisUrl, stopRedis } from '#schema/test/queues.ts'
import { FaultProxy } from '#test/faultProxy.ts'
import { testWorker } from './test/testWorker.ts'

afterAll(stopRedis)

test.each(backends)(
  'a worker stops in time while its queue on %s does not answer, and its training saves at once',
  async (backend) => {
    const { db, startWorker, enqueue } = await testWorker(backend)
    const target = backend === 'redis' ? await redisUrl() : db.url
    const proxy = await FaultProxy.open(target)
    const through = proxy.url(target)
    const queues = await openQueues({
      databaseUrl: backend === 'redis' ? db.url : through,
      redisUrl: backend === 'redis' ? through : undefined,
      redisPrefix: 'stop',
    })
    onTestFinished(() => proxy.close())
    let started = false
    let saved = false
    const worker = await startWorker(
      {
        fineTune: async ({ signal }) => {
          started = true
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          saved = true
          throw signal.reason
        },
      },
      { queues },
    )
    const { id } = await enqueue('fineTune', { modelId: '1', datanetId: '1' })
    const status = async () => (await db.query('select status from job_run where id = $1', [id])).rows[0].status
    await vi.waitFor(() => expect(started).toBe(true), { timeout: 15_000 })
    await proxy.set({ mode: 'blackHole' })
    const stopped = worker.stop()
    await vi.waitFor(() => expect(saved).toBe(true))
    await stopped
    await queues.close()
    expect(await status()).toBe('Queued')
  },
  10_000 + 15_000,
)
