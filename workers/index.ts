import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ArtifactStore, CheckpointStore } from '#schema/artifacts/index.ts'
import { type Database, databaseTime } from '#schema/database.ts'
import { LANES, type Lane } from '#schema/jobs.ts'
import { listenNotifications } from '#schema/notifications.ts'
import { WorkerNode } from '#schema/offchain/jobs.ts'
import type { Queues, QueueWorker } from '#schema/queue.ts'
import { row, saveRows } from '#schema/rows.ts'
import { beatWorker, pruneWorkers, signOffWorker } from '#schema/workers.ts'
import type { AnswerStreams } from './answerStreams.ts'
import type { ChainClient } from './chain.ts'
import { createDirectStart } from './directStart.ts'
import type { JobHandlers } from './job.ts'
import { periodically } from './periodically.ts'
import { createJobRunner } from './runner.ts'
import { createSweeper } from './sweep.ts'
import { sweepCheckpointFolders, sweepCheckpoints } from './sweepCheckpoints.ts'
import { DEFAULT_TIMING, type Timing } from './timing.ts'
import { watchQueue } from './watchQueue.ts'
import { watchRemovals } from './watchRemovals.ts'
import { watchServices } from './watchServices.ts'

export interface WorkerOptions {
  db: Database
  queues: Queues
  artifacts: ArtifactStore
  chain: ChainClient
  handlers: JobHandlers
  log: Logger
  /** How many jobs of each lane run at the same time; 0: this worker does not run the lane. */
  slots: Readonly<Record<Lane, number>>
  /** cpu, webgpu or cuda. */
  device: string
  /** Where the API streams answers while they are generated. */
  streams?: Pick<AnswerStreams, 'url' | 'key'>
  /** The folder of checkpoints. */
  checkpoints: string
  /** Where checkpoints are copied to, for other hosts. */
  checkpointStore: CheckpointStore
  /** Additional work by its name, done every few seconds, such as posting the ledger. */
  maintenance?: Readonly<Record<string, () => Promise<unknown>>>
  /** Done when the database is back after it was away: it may be an older copy. */
  onDatabaseReturn?(): Promise<unknown>
  /** Ended jobs that nothing needs are deleted after this time; 0, the default: never. */
  retentionDays?: number
  timing?: Partial<Timing>
}

/** Time between two checks for transactions that the chain has lost. */
const REBROADCAST_MS = 15_000
/** Time between two searches for checkpoints that nobody needs any more. */
const CHECKPOINT_SWEEP_MS = 600_000
/** The same for the folder of this host. */
const FOLDER_SWEEP_MS = 30_000
const PRUNE_MS = 600_000
const REMOVALS_MS = 60_000
/** How long a worker that stops waits for its queue, twice: until it delivers nothing more, and until it is closed. */
const QUEUE_STOP_MS = 1_500

export interface RunningWorker {
  readonly id: string
  /** The number of jobs that run now. */
  readonly running: number
  /** Stops reading the queues, tells trainings to save a checkpoint, gives the other jobs half of the grace period to finish, and requeues the
   *  jobs that have not ended. */
  stop(): Promise<void>
}

/** Starts a worker: it registers itself, runs the jobs of its lanes, requeues the jobs of lost workers and rebroadcasts lost
 *  transactions. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { db, queues, checkpointStore, chain, log, slots, retentionDays = 0, maintenance = {} } = options
  const timing = { ...DEFAULT_TIMING, ...options.timing }
  const id = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`
  const services = watchServices(options)
  const runner = createJobRunner({ ...options, workerId: id, timing, services })
  await registerWorker(db, id, options)
  await services.resume()
  const consumers = new Map<Lane, QueueWorker>()
  const direct = createDirectStart(runner.startNext)
  const stopListening = await listenNotifications(
    db,
    (notification) => {
      if (notification.type === 'cancel') runner.cancel(notification.id)
      else direct.hear(notification)
    },
    () =>
      void options
        .onDatabaseReturn?.()
        .catch((err) => log.error({ err }, 'the check of a database that is back failed')),
  )
  const lanes = LANES.filter((lane) => slots[lane] > 0)
  await Promise.all(
    lanes.map(async (lane) => {
      const consumer = await queues.worker(lane, slots[lane], async (entry) =>
        entry.wakes ? direct.wake(lane) : runner.run(entry),
      )
      consumers.set(lane, consumer)
      direct.add(lane, consumer.slots)
    }),
  )
  const every = (ms: number, task: string, work: () => Promise<unknown>) => periodically(task, ms, work, log)
  const timers = [
    every(timing.heartbeatMs, 'heartbeat', () =>
      beatWorker(db, id).then(async (known) => {
        if (!known) await registerWorker(db, id, options)
      }),
    ),
    every(timing.queuedMs, 'search for queued jobs', async () => lanes.forEach(direct.wake)),
    every(timing.sweepMs, 'sweep of jobs', createSweeper({ db, queues }, { ...timing, retentionDays })),
    every(timing.sweepMs, 'asking of services that jobs wait for', services.check),
    every(timing.sweepMs, 'ping of the queue', watchQueue(queues, log)),
    every(REBROADCAST_MS, 'rebroadcast of transactions', () => chain.rebroadcast()),
    every(CHECKPOINT_SWEEP_MS, 'sweep of stored checkpoints', () => sweepCheckpoints({ db, store: checkpointStore })),
    every(FOLDER_SWEEP_MS, 'sweep of checkpoint folders', () =>
      sweepCheckpointFolders({ db, folder: options.checkpoints }),
    ),
    every(PRUNE_MS, 'forgetting of ended workers', () => pruneWorkers(db)),
    every(REMOVALS_MS, 'search for removed data that is served', watchRemovals(db, log)),
    ...Object.entries(maintenance).map(([task, work]) => every(timing.sweepMs, task, work)),
  ]
  log.info({ worker: id, backend: queues.backend, slots }, 'worker ready')

  /** Waits for the queue for a short time only: what it still delivers, the runner refuses, and its entries are delivered elsewhere. */
  const ofConsumers = async (work: (consumer: QueueWorker) => Promise<void>) => {
    const all = Promise.all([...consumers.values()].map(work)).catch((err) => log.warn({ err }, 'the queue failed'))
    const waiting = new AbortController()
    await Promise.race([all, sleep(QUEUE_STOP_MS, undefined, { signal: waiting.signal }).catch(() => {})])
    waiting.abort()
  }
  let stopping: Promise<void> | undefined
  const stop = async () => {
    for (const cancel of timers) cancel()
    runner.stop('training') // first, so that a queue that does not answer keeps no training from saving
    await direct.stop()
    await ofConsumers((consumer) => consumer.pause())
    const deadline = setTimeout(() => LANES.forEach(runner.stop), timing.graceMs / 2)
    await runner.idle()
    clearTimeout(deadline)
    await ofConsumers((consumer) => consumer.close())
    await stopListening()
    await signOffWorker(db, id).catch(() => {}) // then it counts as lost
    log.info({ worker: id }, 'worker stopped')
  }
  return {
    id,
    get running() {
      return runner.running
    },
    stop: () => (stopping ??= stop()),
  }
}

async function registerWorker(db: Database, id: string, { device, slots, streams }: WorkerOptions) {
  const now = await databaseTime(db)
  await saveRows(db, [
    row(WorkerNode, {
      id,
      host: hostname(),
      pid: process.pid,
      device,
      concurrency: LANES.reduce((sum, lane) => sum + slots[lane], 0),
      slots: { ...slots },
      streamUrl: streams?.url ?? null,
      streamKey: streams?.key ?? null,
      startedAt: now,
      heartbeatAt: now,
      stoppedAt: null,
    }),
  ])
}
