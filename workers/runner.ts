import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { checkJobInput, type JobKind } from '#schema/jobs.ts'
import type { JobRun } from '#schema/offchain/jobs.ts'
import type { QueueEntry, QueueName, Queues } from '#schema/queue.ts'
import { type TraceSpan, traced } from '#schema/tracing.ts'
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
  /** The folder of checkpoints; each job has a folder in it. */
  checkpoints: string
  timing: Timing
}

/** In milliseconds. */
export interface Timing {
  /** Time between two heartbeats. */
  heartbeatMs: number
  /** Time between two writes of progress. */
  writeMs: number
  /** A running job without a heartbeat counts as lost after this time. */
  staleMs: number
  /** A queued job is added to the queue again after this time. */
  queuedMs: number
  /** Time between two sweeps. */
  sweepMs: number
  /** A job that was told to end is abandoned after this time. */
  graceMs: number
  /** Delay before the second attempt; it doubles with each attempt, up to a minute. */
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
  /** Runs the job of a queue entry to its end; does nothing when the job is no longer queued. Never rejects. */
  run(entry: Pick<QueueEntry, 'id'>): Promise<void>
  /** Cancels a job if it runs here. */
  cancel(id: string): void
  /** Starts no further job, and tells the running jobs of `queue` to save a checkpoint and end. */
  stop(queue: QueueName): void
  /** Resolves when no job runs. */
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
        log.warn({ err, job: id }, 'could not claim a job; the sweep will queue it again')
      })
      if (!job) return
      const abort = new AbortController()
      const queue = job.queue as QueueName
      const attributes = { 'job.id': id, 'job.kind': job.kind, 'job.attempt': job.attempt, 'job.queue': job.queue }
      const span = { kind: 'consumer', parent: job.traceparent, attributes } as const
      const done = traced(`job ${job.kind}`, span, (one) => runJob(options, job, abort, one)).finally(() =>
        runs.delete(id),
      )
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

async function runJob(options: JobRunnerOptions, job: JobRun, abort: AbortController, span: TraceSpan): Promise<void> {
  const { db, queues, timing } = options
  const log = options.log.child({ job: job.id, kind: job.kind, attempt: job.attempt })
  const heartbeat = startHeartbeat({
    db,
    claim: job,
    log,
    ...timing,
    onInterrupt: (reason) => abort.abort(new Interruption(reason)),
  })
  const folder = join(options.checkpoints, job.id)
  const stored: StoredArtifact[] = []
  let ended = true
  try {
    const put = (artifact: NewArtifact) => store(options.artifacts, artifact, stored)
    const outcome = await withGracePeriod(abort.signal, timing.graceMs, () =>
      callHandler(options, job, folder, heartbeat, abort, put, log),
    )
    for (const artifact of outcome.artifacts ?? []) await put(artifact)
    await heartbeat.stop()
    const next = await completeJob(db, job, outcome, stored)
    log.info('succeeded')
    if (next.length)
      await queues.add(next).catch((err) => log.warn({ err }, 'could not queue the follow-up jobs; the sweep will'))
  } catch (error) {
    span.fail(error)
    await heartbeat.stop()
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
  if (!handler)
    throw new JobError('UNKNOWN_JOB', `This worker has no handler for jobs of kind ${job.kind}. Update the workers.`)
  const input = checkJobInput(kind, job.input)
  signal.throwIfAborted()
  const { id, attempt, requestedBy } = job
  const context = { id, kind, attempt, input, requestedBy, db, artifacts, chain, report, metric, put, signal }
  return handler({
    ...context,
    /** Created only for a job that uses it: most jobs need none and start faster without. */
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

/** Waits for `work`, but after `signal` only `graceMs` longer. A later result is ignored, and the claim refuses its writes. */
async function withGracePeriod<T>(signal: AbortSignal, graceMs: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  const timeout = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(signal.reason), graceMs)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work(), timeout])
  } finally {
    clearTimeout(timer)
    if (onAbort) signal.removeEventListener('abort', onAbort)
  }
}

/** Time between two retries to record the end of an attempt while the database does not answer. */
const RECORD_RETRY_MS = 250

/** Records the end of an attempt without an outcome; returns whether the job itself has ended. While the database does not answer it retries,
 *  until the sweep takes over. */
async function recordFailure(
  { db, queues, timing }: Pick<JobRunnerOptions, 'db' | 'queues' | 'timing'>,
  job: JobRun,
  signal: AbortSignal,
  error: unknown,
  log: Logger,
  deadline = Date.now() + timing.staleMs,
): Promise<boolean> {
  try {
    const interruption = signal.aborted ? (signal.reason as Interruption).reason : undefined
    if (interruption === 'superseded' || error instanceof ClaimLostError) {
      log.warn('another attempt has taken the job over')
      return false
    }
    if (interruption === 'cancelled' || (await writeHeartbeat(db, job)).cancelRequested) {
      await endJob(db, job, 'Cancelled')
      log.info('cancelled')
      return true
    }
    const permanent = permanentFailure(error)
    if (permanent) {
      await endJob(db, job, 'Failed', permanent)
      log.info({ failure: permanent }, 'failed: the request is wrong')
      return true
    }
    if (interruption === 'stopping') {
      const entry = await requeueJob(db, job, { countAttempt: false })
      log.info('requeued, because the worker stops')
      await queues.add(entry).catch(() => {})
      return false
    }
    const failure = { code: 'INTERNAL', message: publicMessage(error) }
    if (job.attempt >= job.attempts) {
      await endJob(db, job, 'Failed', failure)
      log.error({ err: error }, 'failed at the last attempt')
      return true
    }
    const entry = await requeueJob(db, job, { failure })
    const delayMs = Math.min(60_000, timing.backoffMs * 2 ** Math.min(20, job.attempt - 1))
    log.warn({ err: error, delayMs }, 'failed; the job will be retried')
    await queues.add({ ...entry, delayMs }).catch(() => {})
    return false
  } catch (err) {
    if (err instanceof ClaimLostError) return false
    if (signal.aborted || Date.now() > deadline) {
      log.warn({ err }, 'could not record the end of the attempt; the sweep will')
      return false
    }
    await sleep(RECORD_RETRY_MS)
    return recordFailure({ db, queues, timing }, job, signal, error, log, deadline)
  }
}
