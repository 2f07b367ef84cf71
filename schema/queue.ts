import { setTimeout as sleep } from 'node:timers/promises'
import { createPostgresBackend, Queue, type QueueOptions, runMigrations, Worker, type WorkerOptions } from 'bullmq'
import { Redis, type RedisOptions } from 'ioredis'
import pg from 'pg'
import { RetriableError } from './errors.ts'
import { type JobDefinition, jobs } from './jobs.ts'

/** BullMQ on PostgreSQL or on Redis, behind one small surface. The queue carries ids only; what is to be done, and whether it
 *  still is, stands in `JobRun`. So whatever the queue loses or delivers twice does no harm. */

export type QueueName = JobDefinition['queue']
const QUEUES = [...new Set(Object.values(jobs).map(({ queue }) => queue))] as QueueName[]

/** A job that waits. `attempt` counts the starts behind it: a start that died keeps its own entry in the queue, which must not
 *  swallow the next one's. */
export interface QueueEntry {
  queue: QueueName
  id: string
  attempt: number
  /** Milliseconds before it is handed out. */
  delayMs?: number
}

export interface QueueWorker {
  /** Takes nothing new from now on. */
  pause(): Promise<void>
  /** Waits for the calls in progress, then closes. */
  close(): Promise<void>
}

export interface Queues {
  readonly backend: 'postgres' | 'redis'
  /** Adding an entry twice is harmless. */
  add(entries: QueueEntry | readonly QueueEntry[]): Promise<void>
  /** Calls `work` for each entry, at most `concurrency` at a time. */
  worker(queue: QueueName, concurrency: number, work: (entry: QueueEntry) => Promise<void>): Promise<QueueWorker>
  close(): Promise<void>
}

/** The queue's backend does not answer. */
export class QueueError extends RetriableError {
  override name = 'QueueError'
}

export interface QueueSettings {
  databaseUrl: string
  /** Given: BullMQ on Redis. Absent: on PostgreSQL. */
  redisUrl?: string
  /** Keeps installations that share a Redis apart. */
  prefix?: string
  /** Hears of connections that broke; they are mended at the next use. */
  onError?: (error: Error) => void
}

/** Opens the queues. @throws QueueError when `redisUrl` does not answer; never falls back to another backend. */
export const openQueues = (settings: QueueSettings): Promise<Queues> =>
  settings.redisUrl ? onRedis(settings.redisUrl, settings) : onPostgres(settings)

const JOB_OPTIONS = { removeOnComplete: true, removeOnFail: true }
/** A worker that dies between taking an entry and claiming its row lets the lock lapse; the entry is then handed out anew,
 *  however often that happens: attempts are counted in `JobRun`. */
const WORKER_OPTIONS = {
  lockDuration: 15_000,
  stalledInterval: 5_000,
  maxStalledCount: 1_000_000,
  runRetryDelay: 1_000,
  drainDelay: 5,
  autorun: false,
}
const STREAMS = { events: { maxLen: 1000 } }

/** BullMQ asks again at once after a failure other than a refused connection; a database that restarts, or tables that are gone,
 *  would keep the process spinning. This worker takes a breath first. */
class BackoffWorker extends Worker {
  protected override async moveToActive(token: string, name: string) {
    try {
      return await super.moveToActive(token, name)
    } catch (error) {
      await sleep(500)
      throw error
    }
  }
}

interface Parts {
  backend: Queues['backend']
  queue: (name: string) => Queue
  worker: (name: string, concurrency: number, work: (data: QueueEntry) => Promise<void>) => Worker
  /** Rebuilds the backend's tables where someone removed them. */
  mend?: () => Promise<void>
  close: () => Promise<void>
}

function assemble(parts: Parts, settings: QueueSettings): Queues {
  const hear = settings.onError ?? (() => {})
  const named = (queue: QueueName) => `modelcommons-${queue}`
  const open = (name: QueueName) => parts.queue(named(name)).on('error', hear)
  const queues = new Map(QUEUES.map((name) => [name, open(name)]))
  const workers = new Set<Worker>()
  /** Rebuilds the tables. A queue that missed them when it opened never looks again, so another takes its place. */
  const mend = async () => {
    await parts.mend?.()
    await Promise.all(
      [...queues].map(async ([name, queue]) => {
        const ready = await queue.waitUntilReady().then(
          () => true,
          () => false,
        )
        if (ready || queues.get(name) !== queue) return
        queues.set(name, open(name))
        await queue.close().catch(hear)
      }),
    )
  }
  const openWorker = async (queue: QueueName, concurrency: number, work: (entry: QueueEntry) => Promise<void>) => {
    await parts.mend?.()
    const worker = parts.worker(named(queue), concurrency, work)
    worker.on('error', hear)
    try {
      await worker.waitUntilReady() // a loop started before would spin for ever on a connection that failed once
      return worker
    } catch (cause) {
      await worker.close(true)
      throw cause
    }
  }
  const addAll = (entries: readonly QueueEntry[]) =>
    Promise.all(
      QUEUES.map(async (name) => {
        const bulk = entries
          .filter(({ queue }) => queue === name)
          .map(({ delayMs, ...data }) => ({
            name: 'job',
            data,
            opts: { ...JOB_OPTIONS, jobId: `${data.id}.${data.attempt}`, delay: delayMs },
          }))
        if (bulk.length === 1) await queues.get(name)?.add('job', bulk[0]!.data, bulk[0]!.opts)
        else if (bulk.length) await queues.get(name)?.addBulk(bulk)
      }),
    )
  return {
    backend: parts.backend,
    async add(entries) {
      const list = 'id' in entries ? [entries] : entries
      await addAll(list).catch(async (cause) => {
        if (!parts.mend) throw cause
        await mend()
        await addAll(list)
      })
    },
    async worker(queue, concurrency, work) {
      const opening = () => openWorker(queue, concurrency, work)
      const worker = await opening()
        .catch(opening) // what was lost while the worker opened is there again
        .catch((cause: Error) => {
          throw new QueueError(`The queue ${queue} could not be opened: ${cause.message}`, { cause })
        })
      workers.add(worker)
      worker.run().catch(hear)
      return {
        pause: () => worker.pause(true),
        async close() {
          await worker.close()
          workers.delete(worker)
        },
      }
    },
    async close() {
      await Promise.all([...workers].map((worker) => worker.close()))
      await Promise.all([...queues.values()].map((queue) => queue.close()))
      await parts.close()
    },
  }
}

async function onPostgres(settings: QueueSettings): Promise<Queues> {
  const schema = 'bullmq'
  const pool = new pg.Pool({
    connectionString: settings.databaseUrl,
    // What the queue holds may be lost (see above), so its commits need not wait for the disk.
    options: `-c search_path=${schema} -c synchronous_commit=off`,
    application_name: 'modelcommons queue',
    max: 12,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
  })
  pool.on('error', () => {})
  pool.setMaxListeners(0) // every queue and worker hears its errors
  const mend = async () => {
    const client = await pool.connect()
    try {
      await runMigrations(client, schema)
    } finally {
      client.release()
    }
  }
  await mend().catch(async (cause) => {
    await pool.end()
    throw new QueueError(`DATABASE_URL: the queue could not be opened there: ${(cause as Error).message}`, { cause })
  })
  // Any queue or worker of this process hears by this one pool: two connections listen, the rest ask.
  const options = { connection: pool } as unknown as QueueOptions & WorkerOptions
  return assemble(
    {
      backend: 'postgres',
      queue: (name) => new Queue(name, { ...options, streams: STREAMS }, createPostgresBackend as never),
      worker: (name, concurrency, work) =>
        new BackoffWorker(
          name,
          (job) => work(job.data),
          { ...options, ...WORKER_OPTIONS, concurrency },
          createPostgresBackend as never,
        ),
      mend,
      close: () => pool.end(),
    },
    settings,
  )
}

const shown = (url: string) => url.replace(/\/\/([^:@/]*):[^@]*@/, '//$1:…@')

async function onRedis(url: string, settings: QueueSettings): Promise<Queues> {
  const probe = new Redis(url, { lazyConnect: true, connectTimeout: 3000, retryStrategy: () => null })
  probe.on('error', () => {})
  try {
    await probe.connect()
    await probe.ping()
  } catch (cause) {
    throw new QueueError(
      `REDIS_URL: no Redis answers at ${shown(url)} (${(cause as Error).message || 'connection refused'}). Start it, correct the URL, or unset REDIS_URL to keep the queue in PostgreSQL.`,
      { cause },
    )
  } finally {
    probe.disconnect()
  }
  const open = (options: RedisOptions) => {
    const client = new Redis(url, options)
    client.on('error', settings.onError ?? (() => {}))
    return client
  }
  const prefix = settings.prefix ?? 'modelcommons'
  // Producers would rather fail than wait for a Redis that is gone (the sweep heals it); workers wait as long as it takes.
  const producer = open({ maxRetriesPerRequest: 1, enableOfflineQueue: true })
  const consumer = open({ maxRetriesPerRequest: null })
  return assemble(
    {
      backend: 'redis',
      queue: (name) => new Queue(name, { connection: producer, prefix, streams: STREAMS }),
      worker: (name, concurrency, work) =>
        new BackoffWorker(name, (job) => work(job.data), {
          connection: consumer,
          prefix,
          ...WORKER_OPTIONS,
          concurrency,
        }),
      close: async () => {
        producer.disconnect()
        consumer.disconnect()
      },
    },
    settings,
  )
}
