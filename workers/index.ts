import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { ArtifactStore } from '#schema/artifacts.ts'
import type { Database } from '#schema/database.ts'
import { listenNotices } from '#schema/notices.ts'
import { WorkerNode } from '#schema/offchain/jobs.ts'
import type { QueueName, Queues } from '#schema/queue.ts'
import { row, saveRows } from '#schema/rows.ts'
import type { ChainClient } from './chain.ts'
import type { JobHandlers } from './job.ts'
import { createJobRunner, DEFAULT_TIMING, type Timing } from './runner.ts'
import { sweep } from './sweep.ts'

export interface WorkerOptions {
  db: Database
  queues: Queues
  artifacts: ArtifactStore
  chain: ChainClient
  handlers: JobHandlers
  log: Logger
  /** Jobs at a time; 0 leaves the queue to other workers. */
  gpuConcurrency: number
  cpuConcurrency: number
  /** cpu, webgpu or cuda. */
  device: string
  /** Where running answers stream from. */
  streamUrl?: string
  /** Folder of checkpoints. */
  checkpoints: string
  /** What else to do every few seconds, such as posting the ledger. */
  maintenance?(): Promise<unknown>
  timing?: Partial<Timing>
}

/** Between two looks whether the chain has lost a transaction of ours. */
const REBROADCAST_MS = 15_000

export interface RunningWorker {
  readonly id: string
  /** How many jobs run now. */
  readonly running: number
  /** Takes nothing more, lets CPU jobs finish for half the grace, asks GPU jobs to save, puts back what has not ended. */
  stop(): Promise<void>
}

/** Starts a worker: it announces itself, takes jobs from both queues, and heals what others left behind. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { db, queues, artifacts, chain, handlers, log, checkpoints, maintenance = async () => {} } = options
  const timing = { ...DEFAULT_TIMING, ...options.timing }
  const id = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`
  const runner = createJobRunner({ db, queues, artifacts, chain, handlers, log, workerId: id, checkpoints, timing })
  await registerWorker(db, id, options)
  const stopListening = await listenNotices(db, (notice) => {
    if (notice.type === 'cancel') runner.cancel(notice.id)
  })
  const concurrency: Record<QueueName, number> = { gpu: options.gpuConcurrency, cpu: options.cpuConcurrency }
  const names = (Object.keys(concurrency) as QueueName[]).filter((name) => concurrency[name] > 0)
  const takers = await Promise.all(names.map((name) => queues.worker(name, concurrency[name], runner.run)))
  const timers = [
    every(timing.heartbeatMs, () =>
      db.query('update worker_node set heartbeat_at = clock_timestamp() where id = $1', [id]),
    ),
    every(timing.sweepMs, () => sweep({ db, queues }, timing)),
    every(REBROADCAST_MS, () => chain.rebroadcast()),
    every(timing.sweepMs, () => maintenance()),
  ]
  log.info({ worker: id, backend: queues.backend, ...concurrency }, 'worker ready')

  function every(ms: number, work: () => Promise<unknown>) {
    let busy = false
    const timer = setInterval(() => {
      if (busy) return
      busy = true
      Promise.resolve()
        .then(work)
        .catch((err) => log.warn({ err }, 'a round of upkeep failed; the next one tries again'))
        .finally(() => {
          busy = false
        })
    }, ms)
    return () => clearInterval(timer)
  }

  let stopping: Promise<void> | undefined
  const stop = async () => {
    for (const cancel of timers) cancel()
    await Promise.all(takers.map((taker) => taker.pause()))
    runner.stop('gpu')
    const patience = setTimeout(() => runner.stop('cpu'), timing.graceMs / 2)
    await runner.idle()
    clearTimeout(patience)
    await Promise.all(takers.map((taker) => taker.close()))
    await stopListening()
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

const registerWorker = (db: Database, id: string, { device, gpuConcurrency, streamUrl }: WorkerOptions) =>
  saveRows(db, [
    row(WorkerNode, {
      id,
      host: hostname(),
      pid: process.pid,
      device,
      concurrency: gpuConcurrency,
      streamUrl: streamUrl ?? null,
      startedAt: new Date(),
      heartbeatAt: new Date(),
    }),
  ])
