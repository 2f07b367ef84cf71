import { setTimeout as sleep } from 'node:timers/promises'
import { createPostgresBackend, Queue, type QueueOptions, runMigrations, Worker, type WorkerOptions } from 'bullmq'
import { Redis, type RedisOptions } from 'ioredis'
import pg from 'pg'
import { sessionConfig } from './database.ts'
import { RetriableError } from './errors.ts'
import { LANES, type Lane } from './jobs.ts'
import { redactCredentials } from './redact.ts'
import { SlotSemaphore } from './slotSemaphore.ts'

/** BullMQ on PostgreSQL or Redis, behind one small interface. The queue carries only ids; the job and its status are in `JobRun`. So it does no
 *  harm when the queue loses an entry or delivers it twice. */

/** A job that is to start. `attempt` counts its earlier starts. It is part of the entry's id, because an attempt that crashed keeps its entry in the
 *  queue, which must not suppress the next attempt. */
export interface QueueEntry {
  lane: Lane
  id: string
  attempt: number
  /** Lower starts earlier; 0 when absent. */
  priority?: number
  /** Delay before the entry is delivered, in milliseconds. */
  delayMs?: number
  /** The entry does not ask for its job: it says that jobs of its lane wait in `job_run`. */
  wakes?: boolean
}

export interface QueueWorker {
  /** The slots of the lane in this worker: work that does not come from the queue takes them too. */
  readonly slots: SlotSemaphore
  /** Stops taking new entries. */
  pause(): Promise<void>
  /** Waits for the calls in progress, then closes. */
  close(): Promise<void>
}

export interface Queues {
  readonly backend: 'postgres' | 'redis'
  /** Adding an entry twice is harmless. @throws QueueError when the backend does not answer within a few seconds: the workers' sweep adds the
   *  entries later. */
  add(entries: QueueEntry | readonly QueueEntry[]): Promise<void>
  /** Calls `work` for each entry, at most `concurrency` at a time. */
  worker(lane: Lane, concurrency: number, work: (entry: QueueEntry) => Promise<void>): Promise<QueueWorker>
  /** Asks the backend for an answer. @throws QueueError when none comes within a second. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** The queue's backend does not answer. */
export class QueueError extends RetriableError {
  override name = 'QueueError'
}

export interface QueueSettings {
  databaseUrl: string
  /** With it, BullMQ runs on Redis; without it, on PostgreSQL. */
  redisUrl?: string
  /** The begin of the keys in Redis, which separates installations that share it. Default `modelcommons`. */
  redisPrefix?: string
  /** Receives errors of lost connections, which are opened again at the next use. */
  onError?: (error: Error) => void
}

/** Opens the queues. @throws QueueError when `redisUrl` does not answer; never falls back to another backend. */
export const openQueues = (settings: QueueSettings): Promise<Queues> =>
  settings.redisUrl ? onRedis(settings.redisUrl, settings) : onPostgres(settings)

const JOB_OPTIONS = { removeOnComplete: true, removeOnFail: true }
/** When a worker dies between taking an entry and claiming its row, the lock expires and the entry is delivered again, any number of times:
 *  attempts are counted in `JobRun`. */
const WORKER_OPTIONS = {
  lockDuration: 15_000,
  stalledInterval: 5_000,
  maxStalledCount: 1_000_000,
  runRetryDelay: 1_000,
  drainDelay: 5,
  autorun: false,
}
const STREAMS = { events: { maxLen: 1000 } }

type Entry = Awaited<ReturnType<Worker['moveToActive']>>
type FetchedEntry = Entry | undefined

/** A worker that shares its slots with work from elsewhere. It fetches an entry only when it has a slot for it, so that an entry never waits in a
 *  busy worker while another is free. */
class LaneWorker extends Worker {
  readonly slots = new SlotSemaphore(this.concurrency)
  /** Entries that were fetched with a slot and do not run yet. BullMQ's loop starts them after its current fetch, which therefore does not wait. */
  readonly #fetched = new Set<Entry>()

  /** After an error other than a refused connection BullMQ retries at once, so a restarting database or missing tables would cause a busy loop:
   *  this waits before the retry. */
  protected override async moveToActive(token: string, name: string) {
    const hasSlot = this.#fetched.size > 0 ? this.slots.tryAcquire() : await this.slots.acquire()
    if (!hasSlot) return undefined as unknown as Entry // as below
    let entry: FetchedEntry
    try {
      if (!this.closing && !this.isPaused()) entry = await super.moveToActive(token, name)
      return entry as Entry // the base class declares that there always is one
    } catch (error) {
      await sleep(500)
      throw error
    } finally {
      if (!entry) this.slots.release()
    }
  }

  /** Runs an entry in its slot, which goes on to the entry that BullMQ fetches as it completes this one. */
  override async processJob(...args: Parameters<Worker['processJob']>) {
    this.#fetched.delete(args[0])
    let next: FetchedEntry
    try {
      next = (await super.processJob(...args)) || undefined
      return next
    } finally {
      if (next) {
        this.#fetched.add(next)
        this.slots.endWaiting()
      } else this.slots.release()
    }
  }
}

/** A delayed entry has an id of its own, so that it does not suppress an entry that is added without a delay before its time. */
const entryId = ({ id, attempt }: Pick<QueueEntry, 'id' | 'attempt'>, delayMs = 0) =>
  `${id}.${attempt}${delayMs > 0 ? '.later' : ''}`

const PING_TIMEOUT_MS = 1_000
const ADD_TIMEOUT_MS = 5_000
/** A process that stops waits for a backend that does not answer no longer than this. */
const CLOSE_TIMEOUT_MS = 3_000

/** A promise that rejects after this time, unless it is cancelled. */
function deadline(ms: number) {
  let timer: NodeJS.Timeout | undefined
  const signal = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  return { signal, cancel: () => clearTimeout(timer) }
}

interface Backend {
  name: Queues['backend']
  queue: (name: string) => Queue
  worker: (name: string, concurrency: number, work: (data: QueueEntry) => Promise<void>) => LaneWorker
  ping: () => Promise<unknown>
  /** Creates the backend's tables when they are missing. */
  repair?: () => Promise<void>
  close: () => Promise<void>
}

function assemble(backend: Backend, settings: QueueSettings): Queues {
  const onError = settings.onError ?? (() => {})
  const named = (lane: Lane) => `modelcommons-${lane}`
  const open = (lane: Lane) => backend.queue(named(lane)).on('error', onError)
  const queues = new Map(LANES.map((name) => [name, open(name)]))
  const workers = new Set<LaneWorker>()
  /** Creates missing tables. A BullMQ queue that did not find its tables when it opened never checks again, so it is replaced. */
  const repair = async () => {
    await backend.repair?.()
    await Promise.all(
      [...queues].map(async ([name, queue]) => {
        const ready = await queue.waitUntilReady().then(
          () => true,
          () => false,
        )
        if (ready || queues.get(name) !== queue) return
        queues.set(name, open(name))
        await queue.close().catch(onError)
      }),
    )
  }
  const openWorker = async (lane: Lane, concurrency: number, work: (entry: QueueEntry) => Promise<void>) => {
    await backend.repair?.()
    const worker = backend.worker(named(lane), concurrency, work)
    worker.on('error', onError)
    try {
      await worker.waitUntilReady() // a loop that starts earlier would never recover from a first failed connection
      return worker
    } catch (cause) {
      await worker.close(true)
      throw cause
    }
  }
  const addAll = (entries: readonly QueueEntry[]) =>
    Promise.all(
      LANES.map(async (name) => {
        const bulk = entries
          .filter(({ lane }) => lane === name)
          .map(({ delayMs, priority, ...data }) => ({
            name: 'job',
            data,
            opts: { ...JOB_OPTIONS, jobId: entryId(data, delayMs), delay: delayMs, priority: priority || undefined },
          }))
        const [first, ...others] = bulk
        if (first && others.length === 0) await queues.get(name)?.add(first.name, first.data, first.opts)
        else if (first) await queues.get(name)?.addBulk(bulk)
      }),
    )
  const addOrRepair = (entries: readonly QueueEntry[]) =>
    addAll(entries).catch(async (cause) => {
      if (!backend.repair) throw cause
      await repair()
      await addAll(entries)
    })
  const answered = async (timeoutMs: number, call: Promise<unknown>) => {
    const { signal, cancel } = deadline(timeoutMs)
    try {
      await Promise.race([call, signal])
    } catch (cause) {
      throw new QueueError(`The queue in ${backend.name} does not answer: ${(cause as Error).message}`, { cause })
    } finally {
      cancel()
    }
  }
  const ping = () => answered(PING_TIMEOUT_MS, backend.ping())
  let isSilent = false
  return {
    backend: backend.name,
    async add(entries) {
      if (isSilent) await ping() // the entries of a call without an answer stay in memory: there are to be few
      try {
        await answered(ADD_TIMEOUT_MS, addOrRepair('id' in entries ? [entries] : entries))
        isSilent = false
      } catch (cause) {
        isSilent = true
        throw cause
      }
    },
    async worker(lane, concurrency, work) {
      const openOnce = () => openWorker(lane, concurrency, work)
      const worker = await openOnce()
        .catch(openOnce) // the tables may have been lost while the worker opened; now they exist again
        .catch((cause: Error) => {
          throw new QueueError(`The queue ${lane} could not be opened: ${cause.message}`, { cause })
        })
      workers.add(worker)
      worker.run().catch(onError)
      return {
        slots: worker.slots,
        pause: () => worker.pause(true),
        async close() {
          await worker.close()
          workers.delete(worker)
        },
      }
    },
    ping,
    async close() {
      const closeAll = async () => {
        await Promise.all([...workers].map((worker) => worker.close()))
        await Promise.all([...queues.values()].map((queue) => queue.close()))
        await backend.close()
      }
      const { signal, cancel } = deadline(CLOSE_TIMEOUT_MS)
      await Promise.race([closeAll(), signal]).catch(onError).finally(cancel)
    },
  }
}

async function onPostgres(settings: QueueSettings): Promise<Queues> {
  const schema = 'bullmq'
  const pool = new pg.Pool({
    // Entries may be lost (see above), so commits of the queue need not wait for the disk.
    ...sessionConfig(settings.databaseUrl, { search_path: schema, synchronous_commit: 'off' }),
    application_name: 'modelcommons queue',
    max: 12,
  })
  pool.on('error', () => {})
  // BullMQ holds clients, and a lost connection of one without a listener would end the process.
  pool.on('connect', (client) => client.on('error', () => {}))
  pool.setMaxListeners(0) // every queue and worker listens to its errors
  const repair = async () => {
    const client = await pool.connect()
    try {
      await runMigrations(client, schema)
    } finally {
      client.release()
    }
  }
  await repair().catch(async (cause) => {
    await pool.end()
    throw new QueueError(`DATABASE_URL: the queue could not be opened: ${(cause as Error).message}`, { cause })
  })
  // All queues and workers of this process share this pool: two of its connections listen for notifications.
  const options = { connection: pool } as unknown as QueueOptions & WorkerOptions
  return assemble(
    {
      name: 'postgres',
      // `as never`: BullMQ's default type parameters are those of Redis; the factory replaces the back end at run time.
      queue: (name) => new Queue(name, { ...options, streams: STREAMS }, createPostgresBackend as never),
      worker: (name, concurrency, work) =>
        new LaneWorker(
          name,
          (job) => work(job.data),
          { ...options, ...WORKER_OPTIONS, concurrency },
          createPostgresBackend as never, // as above
        ),
      repair,
      ping: () => pool.query('select 1'),
      close: () => pool.end(),
    },
    settings,
  )
}

/** @returns the policy by which Redis drops keys when its memory is full. @throws QueueError when no Redis answers at `url`. */
export async function requireRedis(url: string): Promise<string | undefined> {
  const probe = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 3000,
    commandTimeout: 5000,
    retryStrategy: () => null,
  })
  let reason: Error | undefined // the error of the call says only that the connection is closed
  probe.on('error', (error) => {
    reason ??= error
  })
  try {
    await probe.connect()
    return /^maxmemory_policy:(\S+)/m.exec(await probe.info('memory'))?.[1]
  } catch (cause) {
    throw new QueueError(
      `REDIS_URL: no Redis answers at ${redactCredentials(url)} (${(reason ?? (cause as Error)).message || 'connection refused'}). Start it, correct the URL, or unset REDIS_URL to use PostgreSQL for the queue.`,
      { cause },
    )
  } finally {
    probe.disconnect()
  }
}

async function onRedis(url: string, settings: QueueSettings): Promise<Queues> {
  await requireRedis(url)
  const open = (options: RedisOptions) => {
    const client = new Redis(url, options)
    client.on('error', settings.onError ?? (() => {}))
    return client
  }
  const prefix = settings.redisPrefix ?? 'modelcommons'
  // Producers fail at once when Redis is away, because the sweep adds the entries later; workers wait until it is back.
  const producer = open({ maxRetriesPerRequest: 1, enableOfflineQueue: true })
  const consumer = open({ maxRetriesPerRequest: null })
  return assemble(
    {
      name: 'redis',
      queue: (name) => new Queue(name, { connection: producer, prefix, streams: STREAMS }),
      worker: (name, concurrency, work) =>
        new LaneWorker(name, (job) => work(job.data), {
          connection: consumer,
          prefix,
          ...WORKER_OPTIONS,
          concurrency,
        }),
      ping: () => producer.ping(),
      close: async () => {
        producer.disconnect()
        consumer.disconnect()
      },
    },
    settings,
  )
}
