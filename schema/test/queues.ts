import { onTestFinished } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { backlogAdded } from '../backlog.ts'
import type { Database } from '../database.ts'
import { openQueues, type Queues } from '../queue.ts'
import { redisIsMissing, startRedis, type TestRedis } from './redis.ts'

/** The available back ends: every test of the queue runs on each of them. */
export const backends: ('postgres' | 'redis')[] = redisIsMissing() ? ['postgres'] : ['postgres', 'redis']

let redis: Promise<TestRedis> | undefined
let opened = 0

/** A URL of the Redis that this file's tests share; call `stopRedis` in `afterAll`. */
export const redisUrl = async () => (await (redis ??= startRedis())).url
export async function stopRedis(): Promise<void> {
  const running = redis
  redis = undefined // the next file of this process starts its own
  await (await running)?.stop()
}

export interface Setting {
  db: Database
  queues: Queues
  /** Opens the same queues again, like another process. */
  reopen(): Promise<Queues>
  /** Deletes everything in the queue. */
  lose(): Promise<void>
  redisUrl?: string
  prefix: string
}

/** A fresh database and empty queues on `backend`, closed when the test is over. */
export async function freshQueues(backend: 'postgres' | 'redis'): Promise<Setting> {
  const db = await freshDatabase()
  const prefix = `test${process.pid}x${++opened}`
  const url = backend === 'redis' ? await redisUrl() : undefined
  const reopen = async () => {
    const queues = await openQueues({ databaseUrl: db.url, redisUrl: url, redisPrefix: prefix })
    onTestFinished(() => queues.close())
    return queues
  }
  const queues = await reopen()
  return {
    db,
    queues,
    reopen,
    prefix,
    redisUrl: url,
    async lose() {
      await backlogAdded(queues)
      if (url) {
        const { Redis } = await import('ioredis')
        const client = new Redis(url)
        const keys = await client.keys(`${prefix}:*`)
        if (keys.length) await client.del(...keys)
        client.disconnect()
      } else await db.query('drop schema bullmq cascade')
    },
  }
}
