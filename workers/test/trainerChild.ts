import { join } from 'node:path'
import pino from 'pino'
import { colourPairs } from '#engine/tasks/test/tinyModel.ts'
import { artifactsIn, checkpointsIn, type S3Settings, s3Objects } from '#schema/artifacts/index.ts'
import { openDatabase } from '#schema/database.ts'
import { storeFolder } from '#schema/folders.ts'
import { openQueues } from '#schema/queue.ts'
import type { ChainClient } from '../chain.ts'
import { forwardProgress, storeAs } from '../dependencies.ts'
import { startEnginePool } from '../enginePool.ts'
import { startWorker } from '../index.ts'
import type { Interruption, JobHandlers } from '../job.ts'
import { FAST_TIMING } from './timing.ts'

/** A worker process on a host of its own, which shares the database and the S3 bucket with others. Its one kind of job trains a small model in an
 *  engine process. It tells its parent when it is ready and when a job is interrupted. */

export interface TrainerChildOptions {
  databaseUrl: string
  prefix: string
  s3: S3Settings
  /** The host's own folder. */
  home: string
  baseFolder: string
}

const { databaseUrl, prefix, s3, home, baseFolder } = JSON.parse(process.argv[2] as string) as TrainerChildOptions
const db = await openDatabase(databaseUrl)
const queues = await openQueues({ databaseUrl, redisPrefix: prefix })
const objects = await s3Objects(s3)
const log = pino({ level: process.env.TEST_LOG ?? 'silent' })
const engines = startEnginePool({ device: 'cpu', log })

const handlers: Partial<JobHandlers> = {
  async fineTune(job) {
    job.signal.addEventListener('abort', () => process.send?.((job.signal.reason as Interruption).reason))
    const forward = forwardProgress(job, 0, 1, 'training')
    let firstStep: number | undefined
    const { adapterFolder } = await engines.lane('training').run(
      'fineTune',
      {
        baseFolder,
        samples: colourPairs(40),
        lora: { rank: 4 },
        training: { epochs: job.input.epochs, batchSize: 4, learningRate: 0.01, seed: 1 },
        checkpointFile: join(job.checkpointFolder, 'training'),
        checkpointEvery: 0.2,
        outFolder: join(job.checkpointFolder, 'adapter'),
        halfwayFolder: join(job.checkpointFolder, 'halfway'),
      },
      {
        ...forward,
        onEvent(event) {
          if (event.type === 'metric') firstStep ??= event.step
          forward.onEvent(event)
        },
      },
    )
    const store = storeAs(job, 'adapter', 'application/octet-stream')
    return {
      result: {
        firstStep,
        adapter: await storeFolder(store, adapterFolder),
        halfway: await storeFolder(store, join(job.checkpointFolder, 'halfway')),
      },
    }
  },
}

const worker = await startWorker({
  db,
  queues,
  artifacts: artifactsIn(objects),
  checkpointStore: checkpointsIn(objects),
  chain: undefined as unknown as ChainClient, // its jobs use no chain
  handlers: handlers as JobHandlers,
  log,
  slots: { infer: 0, attribute: 0, training: 1, chain: 0, recourse: 0, relay: 0 },
  device: 'cpu',
  checkpoints: join(home, 'checkpoints'),
  timing: { ...FAST_TIMING, staleMs: 2_000, graceMs: 5_000 },
})
process.on('SIGTERM', async () => {
  await worker.stop()
  await engines.close()
  await queues.close()
  await db.close()
  process.exit(0)
})
process.send?.('ready')
