import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { ArtifactStore, CheckpointStore } from '#schema/artifacts/index.ts'
import { addToBacklog } from '#schema/backlog.ts'
import { batched } from '#schema/batch.ts'
import type { Database } from '#schema/database.ts'
import { checkJobInput, type JobKind, jobDefinition, type Lane } from '#schema/jobs.ts'
import type { JobRun } from '#schema/offchain/jobs.ts'
import type { QueueEntry, Queues } from '#schema/queue.ts'
import { type TraceSpan, traced } from '#schema/tracing.ts'
import type { ChainClient } from './chain.ts'
import { openCheckpointFolder, restoreCheckpoint } from './checkpointFolder.ts'
import { CheckpointUploads } from './checkpointUploads.ts'
import { permanentFailure } from './failures.ts'
import { startHeartbeat } from './heartbeat.ts'
import {
  Interruption,
  type JobContext,
  JobError,
  type JobHandler,
  type JobHandlers,
  type JobOutcome,
  type NewArtifact,
} from './job.ts'
import {
  claimJobs,
  claimNextJobs,
  completeJob,
  type PlainSuccess,
  type StoredArtifact,
  saveCheckpoint,
  succeedJobs,
} from './jobState.ts'
import { watchProgress } from './progress.ts'
import { recordFailure } from './recordFailure.ts'
import type { Timing } from './timing.ts'
import type { ServiceWatch } from './watchServices.ts'

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
  checkpointStore: CheckpointStore
  timing: Timing
  services: Pick<ServiceWatch, 'waits'>
}

export interface JobRunner {
  /** Runs the job of a queue entry to its end; does nothing when the job is no longer queued. Never rejects. */
  run(entry: Pick<QueueEntry, 'id'>): Promise<void>
  /** Claims the next jobs of the lane, at most `count`, and starts them: a promise for the end of each. Undefined when the database did not answer.
   *  Never rejects. */
  startNext(lane: Lane, count: number): Promise<Promise<void>[] | undefined>
  /** Cancels a job if it runs here. */
  cancel(id: string): void
  /** Starts no further job, and tells the running jobs of `lane` to save a checkpoint and end. */
  stop(lane: Lane): void
  /** Resolves when no job runs. */
  idle(): Promise<void>
  readonly running: number
}

interface RunningJob {
  lane: Lane | undefined
  abort: AbortController
  done: Promise<void>
}

export function createJobRunner(options: JobRunnerOptions): JobRunner {
  const { db, log, workerId } = options
  const claim = batched((ids: readonly string[]) => claimJobs(db, ids, workerId))
  const succeed = batched((ends: readonly PlainSuccess[]) => succeedJobs(db, ends))
  const runs = new Map<string, RunningJob>()
  const stopped = new Set<Lane>()
  const begin = (job: JobRun): Promise<void> => {
    const { id } = job
    const abort = new AbortController()
    const lane = jobDefinition(job.kind)?.lane
    const attributes = {
      'job.id': id,
      'job.kind': job.kind,
      'job.attempt': job.attempt,
      'job.queue': lane ?? job.queue,
    }
    const span = { kind: 'consumer', parent: job.traceparent, attributes } as const
    const done = traced(`job ${job.kind}`, span, (one) => runJob({ ...options, succeed }, job, abort, one)).finally(
      () => runs.delete(id),
    )
    runs.set(id, { lane, abort, done })
    if (lane && stopped.has(lane)) abort.abort(new Interruption('stopping'))
    return done
  }
  const runner: JobRunner = {
    async run({ id }) {
      if (stopped.size || runs.has(id)) return
      const job = await claim(id).catch((err) => {
        log.warn({ err, job: id }, 'could not claim a job; the sweep will queue it again')
      })
      if (job) await begin(job)
    },
    async startNext(lane, count) {
      if (stopped.size) return []
      const next = await claimNextJobs(db, lane, count, workerId, [...runs.keys()]).catch((err) => {
        log.warn({ err, lane }, 'could not claim the next jobs; it is tried again')
      })
      return next?.map(begin)
    },
    cancel: (id) => runs.get(id)?.abort.abort(new Interruption('cancelled')),
    stop(lane) {
      stopped.add(lane)
      for (const run of runs.values()) if (run.lane === lane) run.abort.abort(new Interruption('stopping'))
    },
    idle: async () => {
      while (runs.size) await Promise.all([...runs.values()].map(({ done }) => done))
    },
    get running() {
      return runs.size
    },
  }
  return runner
}

interface RunOptions extends JobRunnerOptions {
  succeed(end: PlainSuccess): Promise<boolean>
}

async function runJob(options: RunOptions, job: JobRun, abort: AbortController, span: TraceSpan): Promise<void> {
  const { db, queues, timing } = options
  const progress = watchProgress(timing.stallMs ?? jobDefinition(job.kind)?.stallMs, (reason) =>
    abort.abort(new Interruption('stalled', reason)),
  )
  const log = options.log.child({ job: job.id, kind: job.kind, attempt: job.attempt })
  const heartbeat = startHeartbeat({
    db,
    claim: job,
    log,
    ...timing,
    onInterrupt: (reason) => abort.abort(new Interruption(reason)),
  })
  const folder = join(options.checkpoints, job.id)
  const uploads = new CheckpointUploads({
    store: options.checkpointStore,
    job,
    folder,
    log,
    everyMs: timing.checkpointMs,
    async record(checkpoint) {
      await heartbeat.flushMetrics() // a host that continues from it computes no earlier points
      await saveCheckpoint(db, job, checkpoint)
    },
  })
  const stored: StoredArtifact[] = []
  let ended = true
  try {
    const put = async (artifact: NewArtifact) => {
      const name = await store(options.artifacts, artifact, stored)
      progress.made()
      return name
    }
    const { report, metric } = progress.watched(heartbeat)
    const outcome = await withGracePeriod(abort.signal, timing.graceMs, () =>
      callHandler(options, job, {
        report,
        metric,
        alive: progress.made,
        put,
        log,
        signal: abort.signal,
        async restore() {
          if (job.checkpoint)
            await restoreCheckpoint(options.checkpointStore, folder, job.checkpoint, { signal: abort.signal, log })
        },
        openFolder() {
          openCheckpointFolder(folder, job.attempt)
          heartbeat.persistTo(folder)
          uploads.start()
          return folder
        },
      }),
    )
    for (const artifact of outcome.artifacts ?? []) await put(artifact)
    await heartbeat.stop()
    const next = await completeJob(db, job, outcome, stored, options.succeed)
    log.info('succeeded')
    addToBacklog({ db, queues }, next)
  } catch (error) {
    span.fail(error)
    await saveLastCheckpoint(uploads, abort.signal, error, timing)
    await heartbeat.stop()
    ended = await recordFailure(options, job, abort.signal, error, log)
  } finally {
    progress.stop()
  }
  if (!ended) return
  await uploads.discard(AbortSignal.timeout(DISCARD_MS))
  await rm(folder, { recursive: true, force: true }).catch(() => {})
}

/** The time for deleting the checkpoints of a job that has ended. */
const DISCARD_MS = 5_000
/** A worker that stops has this part of the grace period, in all, to end its jobs and to copy their checkpoints. */
const SAVING_PART = 1.3

/** Copies the newest checkpoint to the store when another attempt may need it. */
async function saveLastCheckpoint(uploads: CheckpointUploads, signal: AbortSignal, error: unknown, timing: Timing) {
  const interruption = signal.aborted ? (signal.reason as Interruption) : undefined
  const isUseless = interruption && ['superseded', 'partitioned', 'cancelled'].includes(interruption.reason)
  if (isUseless || permanentFailure(error)) return uploads.stop()
  const elapsedMs = interruption ? performance.now() - interruption.at : 0
  await uploads.finish(AbortSignal.timeout(Math.max(500, Math.round(timing.graceMs * SAVING_PART - elapsedMs))))
}

interface Running extends Pick<JobContext, 'report' | 'metric' | 'alive' | 'put' | 'signal' | 'log'> {
  /** Fetches the checkpoint that another host has stored. */
  restore(): Promise<void>
  /** Creates the folder of checkpoints, and begins to copy what is saved there to the store. */
  openFolder(): string
}

async function callHandler(
  { db, artifacts, chain, handlers }: JobRunnerOptions,
  job: JobRun,
  { restore, openFolder, ...running }: Running,
): Promise<JobOutcome> {
  const kind = job.kind as JobKind
  const handler = handlers[kind] as JobHandler<JobKind> | undefined
  if (!handler)
    throw new JobError('UNKNOWN_JOB', `This worker has no handler for jobs of kind ${job.kind}. Update the workers.`)
  const input = checkJobInput(kind, job.input)
  running.signal.throwIfAborted()
  await restore()
  running.signal.throwIfAborted()
  const { id, attempt, requestedBy } = job
  return handler({
    ...{ id, kind, attempt, input, requestedBy, db, artifacts, chain },
    ...running,
    /** Created only for a job that uses it: most jobs need none and start faster without. */
    get checkpointFolder() {
      return openFolder()
    },
  })
}

async function store(artifacts: ArtifactStore, { kind, mediaType, bytes }: NewArtifact, stored: StoredArtifact[]) {
  const isFile = typeof bytes === 'string'
  const name = await (isFile ? artifacts.putFile(bytes) : artifacts.put(bytes))
  const size = isFile ? (await stat(bytes)).size : bytes.length
  if (!stored.some((known) => known.name === name)) stored.push({ name, kind, mediaType, size })
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
