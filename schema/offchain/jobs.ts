import { Choice, Flag, Id, Indexed, Integer, Json, OffChain, Real, Ref, Text, Time } from '../define.ts'

export const JOB_STATUS = ['Queued', 'Running', 'Succeeded', 'Failed', 'Cancelled'] as const
export type JobStatus = (typeof JOB_STATUS)[number]

@OffChain('One request to the workers. This row is the truth; the queue only carries its id.')
@Indexed('job_run_version', `(result->>'versionId')`, `kind in ('fineTune', 'rlhf')`)
export class JobRun {
  @Id('The job id.') id!: string
  @Text('What is to be done.', { index: true }) kind!: string
  @Json('The validated input.') input!: Record<string, unknown>
  @Choice('JobStatus', JOB_STATUS, 'Where it stands.', { index: true }) status!: JobStatus
  @Integer('Counts the times it was started; also the fence: only the latest attempt may write.') attempt!: number
  @Integer('How often it may be started after failures of ours.') attempts!: number
  @Text('The queue: gpu or cpu.') queue!: string
  @Real('Progress, 0 to 1.') progress!: number
  @Text('What it is doing now.', { nullable: true }) stage!: string | null
  @Json('What it made.', { nullable: true }) result!: Record<string, unknown> | null
  @Json('Why it failed: code and message.', { nullable: true }) error!: { code: string; message: string } | null
  @Text('Who asked, and for which request: the same key returns the same job.', { unique: true })
  idempotencyKey!: string
  @Text('Who asked.', { nullable: true, index: true }) requestedBy!: string | null
  @Ref(() => JobRun, 'parent', 'The job that asked for this one.', { nullable: true, inverse: 'children' }) parentId!:
    | string
    | null
  @Ref(() => WorkerNode, 'worker', 'Who runs it.', { nullable: true }) workerId!: string | null
  @Flag('Whether someone asked to cancel it.') cancelRequested!: boolean
  @Time('When it was asked for.', { index: true }) createdAt!: Date
  @Time('When the latest attempt began.', { nullable: true }) startedAt!: Date | null
  @Time('When the latest attempt last showed life.', { nullable: true, index: true }) heartbeatAt!: Date | null
  @Time('When it ended.', { nullable: true }) finishedAt!: Date | null
}

@OffChain('One point of a job’s curve.')
export class JobMetric {
  @Id('`job-name-step`, zero-padded.') id!: string
  @Ref(() => JobRun, 'job', 'The job.', { inverse: 'metrics' }) jobId!: string
  @Text('The metric’s name: loss, evalLoss, reward, kl, tokensPerSecond.') name!: string
  @Integer('The step.') step!: number
  @Real('The value.') value!: number
}

@OffChain('A worker process, alive while its heartbeat is recent.')
export class WorkerNode {
  @Id('The worker id.') id!: string
  @Text('The machine’s name.') host!: string
  @Integer('The process id.') pid!: number
  @Text('The device: cpu, webgpu, cuda.') device!: string
  @Integer('GPU jobs at a time.') concurrency!: number
  @Text('Where running answers stream from.', { nullable: true }) streamUrl!: string | null
  @Time('When it started.') startedAt!: Date
  @Time('When it last showed life.') heartbeatAt!: Date
}
