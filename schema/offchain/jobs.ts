import { Choice, Flag, Id, Indexed, Integer, Json, OffChain, Real, Ref, Text, Time } from '../define.ts'

export const JOB_STATUS = ['Queued', 'Running', 'Waiting', 'Succeeded', 'Failed', 'Cancelled'] as const
export type JobStatus = (typeof JOB_STATUS)[number]

/** SQL: the job has not ended. The partial indexes of `job_run` have this condition, so that they stay small however many jobs have ended. */
export const IS_LIVE = `status in ('Queued', 'Running', 'Waiting')`

/** A checkpoint in the store: the keys of its files by their paths, and the attempt that wrote them. */
export interface JobCheckpoint {
  attempt: number
  files: Record<string, string>
}

@OffChain('One job for the workers. This row is the source of truth; the queue carries only its id.')
@Indexed('job_run_live', 'status, kind', IS_LIVE)
@Indexed('job_run_next', 'queue, priority, created_at', `status = 'Queued'`)
@Indexed('job_run_consumer', `lower(input->>'consumer')`, `kind = 'infer' and ${IS_LIVE}`)
@Indexed('job_run_receipt', `(input->>'receiptId')`, `kind = 'attribute'`)
@Indexed('job_run_recent', 'kind, finished_at desc', `status = 'Succeeded'`)
@Indexed('job_run_failed', 'kind, finished_at', `status in ('Failed', 'Cancelled')`)
@Indexed('job_run_ended', 'finished_at', 'finished_at is not null')
@Indexed('job_run_texts', 'finished_at', `kind = 'infer' and texts_removed_at is null and finished_at is not null`)
@Indexed('job_run_version', `(result->>'versionId')`, `kind in ('fineTune', 'rlhf')`)
export class JobRun {
  @Id('The job id.') id!: string
  @Text('The kind of job.') kind!: string
  @Json('The validated input.') input!: Record<string, unknown>
  @Choice('JobStatus', JOB_STATUS, 'Whether it waits, runs or has ended, and how.') status!: JobStatus
  @Integer('The number of starts. It is also a fence: only the latest attempt may write.') attempt!: number
  @Integer('The maximum number of starts after failures of the system.') attempts!: number
  @Text('The lane, a queue of its own: infer, attribute, training, chain, recourse or relay.') queue!: string
  @Integer('The priority within the lane: lower starts earlier.', { default: 0 }) priority!: number
  @Real('Progress, 0 to 1.') progress!: number
  @Text('The present stage.', { nullable: true }) stage!: string | null
  @Json('The result.', { nullable: true }) result!: Record<string, unknown> | null
  @Json('Code and message of the error that ended the job or its last attempt, or of the fault that it waits for.', {
    nullable: true,
  })
  error!: { code: string; message: string } | null
  @Integer('How often it has waited for a service or a resource that was missing. Waiting uses no attempt.', {
    default: 0,
  })
  waits!: number
  @Json('The same for each reason (the code of the error): each has a back-off of its own.', {
    nullable: true,
    hidden: true,
  })
  waitsByReason!: Record<string, number> | null
  @Time('When a waiting job, or one whose attempt failed, is tried again, by the clock of the database.', {
    nullable: true,
  })
  retryAt!: Date | null
  @Text('The account, the kind and the idempotency key: the same combination returns the same job.', { unique: true })
  idempotencyKey!: string
  @Text('The account that requested it.', { nullable: true, index: true }) requestedBy!: string | null
  @Ref(() => JobRun, 'parent', 'The job that created this one.', { nullable: true, inverse: 'children' }) parentId!:
    | string
    | null
  @Ref(() => WorkerNode, 'worker', 'The worker that runs it.', { nullable: true, index: false }) workerId!:
    | string
    | null
  @Text('W3C trace context of the request, which the worker’s spans continue.', { nullable: true, hidden: true })
  traceparent!: string | null
  @Json('Where its newest checkpoint is stored, by which any host continues it.', { nullable: true, hidden: true })
  checkpoint!: JobCheckpoint | null
  @Flag('Whether its cancellation was requested.') cancelRequested!: boolean
  @Time('When it was requested.', { index: true }) createdAt!: Date
  @Time('When the latest attempt began.', { nullable: true }) startedAt!: Date | null
  @Time('The latest heartbeat of the latest attempt.', { nullable: true }) heartbeatAt!: Date | null
  @Time('When it ended.', { nullable: true }) finishedAt!: Date | null
  @Time('When the texts of a call were removed from its input and its result.', { nullable: true })
  textsRemovedAt!: Date | null
}

@OffChain(
  'How many jobs of a kind have ended in a status, jobs that were deleted since included. The workers’ sweep counts.',
)
export class JobTotal {
  @Id('`kind-status`.') id!: string
  @Text('The kind of job.') kind!: string
  @Choice('JobStatus', JOB_STATUS, 'Succeeded, Failed or Cancelled.') status!: JobStatus
  @Integer('The number of jobs.') count!: number
  @Time('The newest end that is counted.') countedUntil!: Date
}

@OffChain('One data point of a job’s metric.')
export class JobMetric {
  @Id('`job-name-step`, zero-padded.') id!: string
  @Ref(() => JobRun, 'job', 'Which job measured it.', { inverse: 'metrics' }) jobId!: string
  @Text('The metric’s name: loss, evalLoss, reward, kl, tokensPerSecond.') name!: string
  @Integer('After how many steps of training it was measured.') step!: number
  @Real('What was measured, in the unit of the metric.') value!: number
}

@OffChain('A worker process, alive while its heartbeat is recent.')
export class WorkerNode {
  @Id('The worker id.') id!: string
  @Text('The machine’s name.') host!: string
  @Integer('The process id.') pid!: number
  @Text('The device: cpu, webgpu, cuda.') device!: string
  @Integer('The number of jobs that it runs at a time.') concurrency!: number
  @Json('How many jobs of each lane it runs at a time; null: a release before 0.2.0.', { nullable: true, hidden: true })
  slots!: Partial<Record<string, number>> | null
  @Text('The URL from which the API streams running answers.', { nullable: true, hidden: true }) streamUrl!:
    | string
    | null
  @Text('The key that the API sends with it.', { nullable: true, hidden: true }) streamKey!: string | null
  @Time('When it started.') startedAt!: Date
  @Time('The latest heartbeat.') heartbeatAt!: Date
  @Time('When it said that it stops.', { nullable: true }) stoppedAt!: Date | null
}
