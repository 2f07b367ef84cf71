import type { Logger } from 'pino'
import type { ArtifactStore } from '#schema/artifacts.ts'
import type { Database, Sql } from '#schema/database.ts'
import type { EnqueueOptions } from '#schema/enqueue.ts'
import type { JobInput, JobKind } from '#schema/jobs.ts'
import type { EntityRow } from '#schema/rows.ts'
import type { ChainClient } from './chain.ts'

/** What a job's code is given, and what it may return. It writes nothing itself but artifacts, transactions under a key and files
 *  in its checkpoint folder: all of these may happen twice without harm. The rest it returns, and the runner stores it once. */

export type JobHandler<K extends JobKind> = (job: JobContext<K>) => Promise<JobOutcome>

/** One handler a kind: a kind without one does not compile. */
export type JobHandlers = { [K in JobKind]: JobHandler<K> }

export interface JobContext<K extends JobKind = JobKind> {
  readonly id: string
  readonly kind: K
  /** 1 for the first start. */
  readonly attempt: number
  readonly input: JobInput<K>
  /** The account that asked, in lower case; null for the house itself. */
  readonly requestedBy: string | null
  readonly db: Database
  readonly artifacts: ArtifactStore
  readonly chain: ChainClient
  /** Shows how far it is: 0 to 1, and what it does now in a few words. Cheap: the newest is written a few times a second. */
  report(progress: number, stage: string): void
  /** Adds a point to one of the job's curves; the same name and step again replaces it. */
  metric(name: string, step: number, value: number): void
  /** Stores bytes now and returns their name; the artifact is listed when the job succeeds. */
  put(artifact: NewArtifact): Promise<string>
  /** Aborted, with an `Interruption` as reason, when the job must end early. When `why` is `stopping`, save a checkpoint, then
   *  throw the reason: another worker goes on from it. */
  readonly signal: AbortSignal
  /** A folder of this job alone, kept from attempt to attempt on this machine, removed when the job has ended. */
  readonly checkpointFolder: string
  readonly log: Logger
}

export interface NewArtifact {
  /** What it is: sample, adapter, manifest, evaluationLog, … */
  kind: string
  mediaType: string
  bytes: Uint8Array
}

export interface JobOutcome {
  /** Shown as the job's result: plain JSON, wei as decimal strings. */
  result: Record<string, unknown>
  artifacts?: NewArtifact[]
  /** Rows to store; see `row` and `saveRows` of the schema. */
  rows?: EntityRow[]
  /** Jobs that follow. Their keys need only differ among the jobs this one asks for. */
  next?: NextJob[]
  /** What rows cannot say; in the same transaction, after them. */
  afterRows?: (sql: Sql) => Promise<void>
}

export type NextJob = {
  [K in JobKind]: { kind: K; input: Partial<JobInput<K>> } & Pick<EnqueueOptions, 'key'>
}[JobKind]

/** A fault of the request: the job fails at once and is not tried again. `code` is in capitals, the message says what to do. */
export class JobError extends Error {
  override name = 'JobError'
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Why a running job must end: someone cancelled it, this worker stops, or another worker has taken it over. */
export class Interruption extends Error {
  override name = 'Interruption'
  constructor(readonly reason: 'cancelled' | 'stopping' | 'superseded') {
    super(
      { cancelled: 'The job was cancelled.', stopping: 'The worker stops.', superseded: 'Another worker took over.' }[
        reason
      ],
    )
  }
}
