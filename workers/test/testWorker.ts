import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { onTestFinished } from 'vitest'
import { checkpointsIn, folderObjects, localStore } from '#schema/artifacts/index.ts'
import { enqueue } from '#schema/enqueue.ts'
import type { JobInput, JobKind } from '#schema/jobs.ts'
import { freshQueues } from '#schema/test/queues.ts'
import type { ChainClient } from '../chain.ts'
import { startWorker, type WorkerOptions } from '../index.ts'
import type { JobHandlers } from '../job.ts'
import { FAST_TIMING } from './timing.ts'

export const silent = pino({ level: process.env.TEST_LOG ?? 'silent' })

/** Handlers for the given kinds; a job of any other kind is an error in the test. */
export const handlersFor = (handlers: Partial<JobHandlers>) => handlers as JobHandlers

export const temporaryFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-worker-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A fresh database, queues and artifact store, on which a test starts workers and enqueues jobs. No job of these tests uses a chain. */
export async function testWorker(backend: 'postgres' | 'redis' = 'postgres') {
  const setting = await freshQueues(backend)
  const folder = await temporaryFolder()
  const artifacts = localStore(join(folder, 'artifacts'))
  const checkpointStore = checkpointsIn(folderObjects(join(folder, 'artifacts')))
  let keys = 0
  return {
    ...setting,
    artifacts,
    checkpointStore,
    folder,
    async startWorker(handlers: Partial<JobHandlers>, over: Partial<WorkerOptions> = {}) {
      const worker = await startWorker({
        db: setting.db,
        queues: setting.queues,
        artifacts,
        chain: undefined as unknown as ChainClient, // no job of these tests uses a chain
        handlers: handlersFor(handlers),
        log: silent,
        slots: { infer: 1, attribute: 1, training: 1, chain: 4, recourse: 1, relay: 0 },
        device: 'cpu',
        checkpoints: join(folder, 'checkpoints'),
        checkpointStore,
        ...over,
        timing: { ...FAST_TIMING, ...over.timing },
      })
      onTestFinished(() => worker.stop())
      return worker
    },
    enqueue: <K extends JobKind>(kind: K, input: Partial<JobInput<K>>, key = `key ${++keys}`) =>
      enqueue(setting, kind, input, { key, requestedBy: null }),
  }
}
