import { join } from 'node:path'
import { createPostgresBackend, Queue, Worker } from 'bullmq'
import pino from 'pino'
import { checkpointsIn, folderObjects, localStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { enqueue } from '#schema/enqueue.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { openQueues, type Queues } from '#schema/queue.ts'
import { row } from '#schema/rows.ts'
import type { ChainClient } from '#workers/chain.ts'
import { startWorker } from '#workers/index.ts'
import type { JobHandlers } from '#workers/job.ts'

/** The jobs that run at the same time, and the clients that ask for them. */
export const CONCURRENCY = 50

/** A way to run jobs; `started` is called when a job begins. */
export interface QueueRunner {
  /** Enqueues one job. */
  ask(): Promise<void>
  /** Enqueues `count` jobs as fast as possible. */
  askAll(count: number): Promise<void>
  work(concurrency: number, started: () => void): Promise<() => Promise<void>>
}

export interface OurRunner extends QueueRunner {
  queues: Queues
  /** A new idempotency key. */
  key(): string
  /** Enqueues one job that does nothing, or that stores a row; returns its id. */
  request(storesRow: boolean): Promise<string>
  close(): Promise<void>
}

export async function ourRunner(db: Database, databaseUrl: string, redisUrl: string | undefined, folder: string) {
  const queues = await openQueues({ databaseUrl, redisUrl })
  let keys = 0
  const key = () => `${redisUrl ? 'redis' : 'postgres'} ${++keys}`
  const request = async (storesRow: boolean) => {
    const options = { key: key(), requestedBy: null }
    const job = storesRow
      ? await enqueue({ db, queues }, 'scoreDatanet', { datanetId: '1' }, options)
      : await enqueue({ db, queues }, 'settleEpoch', { epoch: 1 }, options)
    return job.id
  }
  const ask = async () => void (await request(false))
  const runner: OurRunner = {
    ask,
    request,
    queues,
    key,
    async askAll(count) {
      for (let i = 0; i < count; i += 20) await Promise.all(Array.from({ length: 20 }, ask))
    },
    async work(concurrency, started) {
      const handlers: Partial<JobHandlers> = {
        async settleEpoch() {
          started()
          return { result: {} }
        },
        async scoreDatanet({ id }) {
          started()
          return { result: {}, rows: [influence(id)] }
        },
      }
      const worker = await startWorker({
        db,
        queues,
        artifacts: localStore(join(folder, 'artifacts')),
        chain: undefined as unknown as ChainClient, // no job here touches one
        handlers: handlers as JobHandlers,
        log: pino({ level: 'silent' }),
        slots: { infer: 0, attribute: 0, training: 0, chain: concurrency, recourse: 0, relay: 0 },
        device: 'cpu',
        checkpoints: join(folder, 'checkpoints'),
        checkpointStore: checkpointsIn(folderObjects(join(folder, 'artifacts'))),
      })
      return () => worker.stop()
    },
    close: () => queues.close(),
  }
  return runner
}

/** A small row that a job may store. */
const influence = (id: string) =>
  row(VersionInfluence, {
    ...{ id, versionId: '1', contributionId: id, influence: 0.5, standardError: 0.1 },
    ...{ significant: true, harmful: false, weight: 10 },
  })

export function bareRunner(
  databaseUrl: string,
  redisUrl: string | undefined,
): QueueRunner & { close(): Promise<void> } {
  const url = new URL(redisUrl ?? 'redis://localhost')
  const connection = redisUrl
    ? { host: url.hostname, port: Number(url.port) }
    : { connectionString: databaseUrl, schema: 'bullmq', max: 12 }
  // `as never` three times: the types of BullMQ know only Redis connections; its PostgreSQL backend takes these options.
  const open = <T>(make: (options: { connection: object }, backend: never) => T) =>
    // as never, here and below: BullMQ declares its back end and options for Redis alone
    make({ connection }, (redisUrl ? undefined : createPostgresBackend) as never)
  // as never: as above
  const queue = open((options, backend) => new Queue('bare', options as never, backend))
  const opts = { removeOnComplete: true }
  return {
    ask: async () => void (await queue.add('job', {}, opts)),
    askAll: async (count) =>
      void (await queue.addBulk(Array.from({ length: count }, () => ({ name: 'job', data: {}, opts })))),
    async work(concurrency, started) {
      const worker = open(
        // as never: as above
        (options, backend) => new Worker('bare', async () => started(), { ...options, concurrency } as never, backend),
      )
      worker.on('error', () => {})
      await worker.waitUntilReady()
      return () => worker.close()
    },
    close: () => queue.close(),
  }
}
