import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ArtifactStore } from '#schema/artifacts.ts'
import type { Database } from '#schema/database.ts'
import { checkJobInput, type JobKind } from '#schema/jobs.ts'
import type { JobRun } from '#schema/offchain/jobs.ts'
import type { QueueEntry, QueueName, Queues } from '#schema/queue.ts'
import type { ChainClient } from './chain.ts'
import { permanentFailure, publicMessage } from './failures.ts'
import { type Heartbeat, startHeartbeat } from './heartbeat.ts'
import { Interruption, JobError, type JobHandler, type JobHandlers, type JobOutcome, type NewArtifact } from './job.ts'
import {
  ClaimLostError,
  claimJob,
  completeJob,
  endJob,
  requeueJob,
  type StoredArtifact,
  writeHeartbeat,
} from './jobState.ts'

export interface JobRunnerOptions {
  db: Database
  queues: Pick<Queues, 'add'>
  artifacts: ArtifactStore
  chain: ChainClient
  handlers: JobHandlers
  log: Logger
  workerId: string
  /** Holds one folder a job. */
  checkpoints: string
  timing: Timing
}

/** In milliseconds. */
export interface Timing {
  /** Between two signs of life. */
  heartbeatMs: number
  /** Between two writes of progress. */
  writeMs: number
  /** Without a sign of life a running job counts as lost after this. */
  staleMs: number
  /** A waiting job is handed to the queue anew after this. */
  queuedMs: number
  /** Between two sweeps. */
  sweepMs: number
  /** A job that was told to end is given up after this. */
  graceMs: number
  /** Before the second attempt after a failure of ours; doubled each time, at most a minute. */
  backoffMs: number
}

export const DEFAULT_TIMING: Timing = {
  heartbeatMs: 2_000,
  writeMs: 150,
  staleMs: 15_000,
  queuedMs: 5_000,
  sweepMs: 2_500,
  graceMs: 10_000,
  backoffMs: 500,
}

export interface JobRunner {
  /** Runs the job of a queue entry to its end; does nothing when it no longer waits. Never rejects. */
  run(entry: Pick<QueueEntry, 'id'>): Promise<void>
  /** Stops a running job, if it runs here. */
  cancel(id: string): void
  /** Takes nothing more, and tells what runs on `queue` to save and end. */
  stop(queue: QueueName): void
  /** Resolves when nothing runs. */
  idle(): Promise<void>
  readonly running: number
}

interface RunningJob {
  queue: QueueName
  abort: AbortController
  done: Promise<void>
}

export function createJobRunner(options: JobRunnerOptions): JobRunner {
  const runs = new Map<string, RunningJob>()
  const stopped = new Set<QueueName>()
  return {
    async run({ id }) {
      if (stopped.size || runs.has(id)) return
      const { log } = options
      const job = await claimJob(options.db, id, options.workerId).catch((err) => {
        log.warn({ err, job: id }, 'could not claim a job; the sweep hands it out again')
      })
      if (!job) return
      const abort = new AbortController()
      const queue = job.queue as QueueName
      const done = runJob(options, job, abort).finally(() => runs.delete(id))
      runs.set(id, { queue, abort, done })
      if (stopped.has(queue)) abort.abort(new Interruption('stopping'))
      await done
    },
    cancel: (id) => runs.get(id)?.abort.abort(new Interruption('cancelled')),
    stop(queue) {
      stopped.add(queue)
      for (const run of runs.values()) if (run.queue === queue) run.abort.abort(new Interruption('stopping'))
    },
    idle: async () => {
      while (runs.size) await Promise.all([...runs.values()].map(({ done }) => done))
    },
    get running() {
      return runs.size
    },
  }
}

async function runJob(options: JobRunnerOptions, job: JobRun, abort: AbortController): Promise<void> {
  const { db, queues, timing } = options
  const log = options.log.child({ job: job.id, kind: job.kind, attempt: job.attempt })
  const pulse = startHeartbeat({
    db,
    claim: job,
    log,
    ...timing,
    onInterrupt: (why) => abort.abort(new Interruption(why)),
  })
  const folder = join(options.checkpoints, job.id)
  const stored: StoredArtifact[] = []
  let ended = true
  try {
    const put = (artifact: NewArtifact) => store(options.artifacts, artifact, stored)
    const outcome = await withGracePeriod(abort.signal, timing.graceMs, () =>
      callHandler(options, job, folder, pulse, abort, put, log),
    )
    for (const artifact of outcome.artifacts ?? []) await put(artifact)
    await pulse.stop()
    const next = await completeJob(db, job, outcome, stored)
    log.info('succeeded')
    if (next.length) await queues.add(next).catch((err) => log.warn({ err }, 'the sweep will hand out the next jobs'))
  } catch (error) {
    await pulse.stop()
    ended = await recordFailure(options, job, abort.signal, error, log)
  }
  if (ended) await rm(folder, { recursive: true, force: true }).catch(() => {})
}

async function callHandler(
  { db, artifacts, chain, handlers }: JobRunnerOptions,
  job: JobRun,
  checkpointFolder: string,
  { report, metric, persistTo }: Heartbeat,
  { signal }: AbortController,
  put: (artifact: NewArtifact) => Promise<string>,
  log: Logger,
): Promise<JobOutcome> {
  const kind = job.kind as JobKind
  const handler = handlers[kind] as JobHandler<JobKind> | undefined
  if (!handler) throw new JobError('UNKNOWN_JOB', `This worker knows no job ${job.kind}. Update the workers.`)
  const input = checkJobInput(kind, job.input)
  signal.throwIfAborted()
  const { id, attempt, requestedBy } = job
  const context = { id, kind, attempt, input, requestedBy, db, artifacts, chain, report, metric, put, signal }
  return handler({
    ...context,
    /** Made for the job that asks for it: most need none, and start sooner without. */
    get checkpointFolder() {
      persistTo(checkpointFolder) // creates the folder
      return checkpointFolder
    },
    log,
  })
}

async function store(artifacts: ArtifactStore, { kind, mediaType, bytes }: NewArtifact, stored: StoredArtifact[]) {
  const name = await artifacts.put(bytes)
  if (!stored.some((known) => known.name === name)) stored.push({ name, kind, mediaType, size: bytes.length })
  return name
}

/** Waits for `work`, but after `signal` only `graceMs` longer: what comes later is ignored, the fence keeps it out. */
async function withGracePeriod<T>(signal: AbortSignal, graceMs: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let hear: (() => void) | undefined
  const impatience = new Promise<never>((_, reject) => {
    hear = () => {
      timer = setTimeout(() => reject(signal.reason), graceMs)
    }
    if (signal.aborted) hear()
    else signal.addEventListener('abort', hear, { once: true })
  })
  try {
    return await Promise.race([work(), impatience])
  } finally {
    clearTimeout(timer)
    if (hear) signal.removeEventListener('abort', hear)
  }
}

/** Between two tries to record how an attempt ended, while the database is away. */
const RECORD_RETRY_MS = 250

/** Records how an attempt without an outcome ended; says whether the job itself has ended. While the database is away it tries again,
 *  until the sweep would do it. */
async function recordFailure(
  { db, queues, timing }: Pick<JobRunnerOptions, 'db' | 'queues' | 'timing'>,
  job: JobRun,
  signal: AbortSignal,
  error: unknown,
  log: Logger,
  patientUntil = Date.now() + timing.staleMs,
): Promise<boolean> {
  try {
    const why = signal.aborted ? (signal.reason as Interruption).reason : undefined
    if (why === 'superseded' || error instanceof ClaimLostError) {
      log.warn('another attempt took over')
      return false
    }
    if (why === 'cancelled' || (await writeHeartbeat(db, job)).cancelRequested) {
      await endJob(db, job, 'Cancelled')
      log.info('cancelled')
      return true
    }
    const theirs = permanentFailure(error)
    if (theirs) {
      await endJob(db, job, 'Failed', theirs)
      log.info({ fault: theirs }, 'failed')
      return true
    }
    if (why === 'stopping') {
      const entry = await requeueJob(db, job, { forgiven: true })
      log.info('put back: the worker stops')
      await queues.add(entry).catch(() => {})
      return false
    }
    const fault = { code: 'INTERNAL', message: publicMessage(error) }
    if (job.attempt >= job.attempts) {
      await endJob(db, job, 'Failed', fault)
      log.error({ err: error }, 'failed for the last time')
      return true
    }
    const entry = await requeueJob(db, job, { fault })
    const delayMs = Math.min(60_000, timing.backoffMs * 2 ** Math.min(20, job.attempt - 1))
    log.warn({ err: error, delayMs }, 'failed; to be tried again')
    await queues.add({ ...entry, delayMs }).catch(() => {})
    return false
  } catch (err) {
    if (err instanceof ClaimLostError) return false
    if (signal.aborted || Date.now() > patientUntil) {
      log.warn({ err }, 'could not record how the job ended; the sweep will')
      return false
    }
    await sleep(RECORD_RETRY_MS)
    return recordFailure({ db, queues, timing }, job, signal, error, log, patientUntil)
  }
}
