import type { Logger } from 'pino'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Database, Sql } from '#schema/database.ts'
import type { EnqueueOptions } from '#schema/enqueue.ts'
import { PermanentError, RetriableError } from '#schema/errors.ts'
import type { JobInput, JobKind } from '#schema/jobs.ts'
import type { EntityRow } from '#schema/rows.ts'
import type { ChainClient } from './chain.ts'

/** The interface between the runner and the job handlers. A handler itself writes only artifacts, transactions under a key, and files
 *  in its checkpoint folder: all of these are idempotent. It returns everything else, and the runner stores that exactly once. */

export type JobHandler<K extends JobKind> = (job: JobContext<K>) => Promise<JobOutcome>

/** One handler for each kind of job: a kind without a handler does not compile. */
export type JobHandlers = { [K in JobKind]: JobHandler<K> }

export interface JobContext<K extends JobKind = JobKind> {
  readonly id: string
  readonly kind: K
  /** 1 for the first attempt. */
  readonly attempt: number
  readonly input: JobInput<K>
  /** The account that requested the job, in lower case; null for the operator. */
  readonly requestedBy: string | null
  readonly db: Database
  readonly artifacts: ArtifactStore
  readonly chain: ChainClient
  /** Reports the progress, from 0 to 1, and the current stage in a few words. It is cheap: only the newest report is written, a few
   *  times a second. */
  report(progress: number, stage: string): void
  /** Adds a point to one of the job's metrics; a second point with the same name and step replaces the first. */
  metric(name: string, step: number, value: number): void
  /** Counts as progress without a report, so that the job does not count as stalled. */
  alive(): void
  /** Stores the bytes now and returns their name; the artifact is listed when the job succeeds. */
  put(artifact: NewArtifact): Promise<string>
  /** Aborted, with an `Interruption` as its reason, when the job must end early. When the interruption is `stopping`, the handler saves a
   *  checkpoint and throws the signal's reason: another worker continues from the checkpoint. */
  readonly signal: AbortSignal
  /** A folder that belongs to this job and is removed when the job has ended. It is kept between attempts on this host, and copied to the store for
   *  the others: so files in it are written under a hidden or `.partial` name and renamed. */
  readonly checkpointFolder: string
  readonly log: Logger
}

export interface NewArtifact {
  /** For example sample, adapter, manifest or evaluationLog. */
  kind: string
  mediaType: string
  /** The content, or the path of a file that has it. */
  bytes: Uint8Array | string
}

export interface JobOutcome {
  /** The result that clients see: plain JSON, with wei as decimal strings. */
  result: Record<string, unknown>
  artifacts?: NewArtifact[]
  /** Rows to store: see `row` and `saveRows` in `schema/rows.ts`. */
  rows?: EntityRow[]
  /** Follow-up jobs. Their keys must be unique among the follow-up jobs of this job. */
  next?: NextJob[]
  /** Statements that rows cannot express; they run after the rows, in the same transaction. */
  afterRows?: (sql: Sql) => Promise<void>
}

export type NextJob = {
  [K in JobKind]: { kind: K; input: Partial<JobInput<K>> } & Pick<EnqueueOptions, 'key'>
}[JobKind]

/** The request is wrong: the job fails at once and is not retried. A service that is away is a `RetriableError` instead: the job then waits.
 *  `code` is in capitals; the message says what to do. */
export class JobError extends PermanentError {
  override name = 'JobError'
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Something else must happen before this job can go on: other jobs must end, or a time must pass. It gives its slot back and waits, as long as that takes. */
export class PendingError extends RetriableError {
  override name = 'PendingError'
}

/** Answers could not be traced to contributions, because a service was away: that must be tried again, or an operator closes the epoch without. */
export class AttributionPendingError extends PendingError {
  override name = 'AttributionPendingError'
}

/** The store says that it does not have an artifact which the chain names. Somebody may bring it back, until it counts as absent. */
export class MissingArtifactError extends PendingError {
  override name = 'MissingArtifactError'
}

/** Follows `signal`, but a cancellation only after `ms`: for work that its consumer pays for, and which ends soon. */
export function delayCancellation(signal: AbortSignal, ms: number): AbortSignal {
  const delayed = new AbortController()
  const abort = () => delayed.abort(signal.reason)
  const follow = () => (isCancelled(signal) ? void setTimeout(abort, ms).unref() : abort())
  if (signal.aborted) follow()
  else signal.addEventListener('abort', follow, { once: true })
  return delayed.signal
}

/** Whether the job of this signal was told to end because it was cancelled. */
export const isCancelled = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && reason instanceof Interruption && reason.reason === 'cancelled'

/** Why a running job must end early: it was cancelled, this worker stops, another worker has taken the job over, or it made no progress for
 *  the time of its kind. */
export class Interruption extends Error {
  override name = 'Interruption'
  /** When it happened, on the monotonic clock. */
  readonly at = performance.now()
  constructor(
    readonly reason: 'cancelled' | 'stopping' | 'superseded' | 'partitioned' | 'stalled',
    detail?: string,
  ) {
    super(
      detail ??
        {
          cancelled: 'The job was cancelled.',
          stopping: 'The worker is stopping.',
          superseded: 'Another worker took the job over.',
          partitioned: 'This worker has not reached the database for so long that another worker may have the job.',
          stalled: 'The job made no progress.',
        }[reason],
    )
  }
}
