import { addToBacklog } from '#schema/backlog.ts'
import type { Database, Sql } from '#schema/database.ts'
import { EnqueueError, findJob, queueEntries } from '#schema/enqueue.ts'
import { type InferInput, jobDefinition } from '#schema/jobs.ts'
import { notify } from '#schema/notifications.ts'
import type { JobRun, JobStatus } from '#schema/offchain/jobs.ts'
import type { Queues } from '#schema/queue.ts'
import type { ApiDeployment } from '../context.ts'
import { ApiError } from '../errors.ts'
import { reserveCredit } from './credit.ts'
import { requireMayCall } from './endpointCallers.ts'

interface RetryContext {
  db: Database
  queues: Pick<Queues, 'add'>
  /** Without it, only the worker checks whether an endpoint is answered here. */
  deployment?: Pick<ApiDeployment, 'hosts'>
}

/** Tries a job again under its id: a failed or cancelled one with fresh attempts, a waiting one without waiting longer. A queued or running job
 *  does not change. An answer reserves its credit again.
 *  @throws EnqueueError when there is no such job; ApiError when it has succeeded, its effect is already there, or no credit can be reserved. */
export async function retryJob({ db, queues, deployment }: RetryContext, id: string): Promise<JobRun> {
  const job = await db.transaction(async (sql) => {
    await sql.query('select 1 from job_run where id = $1 for update', [id])
    const found = await findJob(sql, id)
    if (found.status === 'Queued' || found.status === 'Running') return found
    if (found.status === 'Succeeded')
      throw new ApiError('JOB_SUCCEEDED', `Job ${id} has succeeded. Request a new job under a new idempotency key.`)
    if (found.textsRemovedAt)
      throw new ApiError(
        'TEXTS_REMOVED',
        `The prompt of call ${id} was removed. Ask again under a new idempotency key.`,
      )
    if (found.status !== 'Waiting') {
      await requireNoEffect(sql, found)
      if (found.kind === 'infer') {
        const input = found.input as unknown as InferInput
        await requireMayCall(sql, { endpointId: input.endpointId, consumer: input.consumer.toLowerCase() })
        await reserveCredit(sql, found, input, { hosts: deployment && (deployment.hosts ?? []), again: true })
      }
    }
    // It is no longer an ended job: the sweep has counted it if its end is not newer than the newest that was counted.
    await sql.query(
      `update job_total set count = count - 1 where id = $1 and $2 <= (select max(counted_until) from job_total)`,
      [`${found.kind}-${found.status}`, found.finishedAt],
    )
    await sql.query(
      `update job_run set status = 'Queued', attempts = attempt + $2, waits = 0, waits_by_reason = null, retry_at = null, error = null, cancel_requested = false,
         finished_at = null, worker_id = null, heartbeat_at = clock_timestamp() where id = $1`,
      [id, jobDefinition(found.kind)?.attempts ?? found.attempts],
    )
    await notify(sql, {
      type: 'job',
      id,
      status: 'Queued',
      progress: found.progress,
      lane: jobDefinition(found.kind)?.lane,
    })
    return findJob(sql, id)
  })
  if (job.status === 'Queued') addToBacklog({ db, queues }, queueEntries([job]))
  return job
}

/** Effects are stored with the end of a job, so that a failed job has none; but another job may have had the same effect since. */
async function requireNoEffect(sql: Sql, { id, kind, input }: JobRun): Promise<void> {
  const check = EFFECTS[kind]
  if (!check) return
  const { rows } = await sql.query(check.sql, [check.of({ id, input })])
  if (rows[0]) throw new ApiError('EFFECT_PRESENT', `Job ${id} need not be tried again: ${check.says}`)
}

interface Effect {
  sql: string
  of(job: Pick<JobRun, 'id' | 'input'>): unknown
  says: string
}

const EFFECTS: Record<string, Effect | undefined> = {
  infer: {
    sql: 'select 1 from receipt where id = $1',
    of: ({ id }) => id,
    says: 'its answer has a receipt.',
  },
  attribute: {
    sql: `select 1 from receipt where id = $1 and (epoch is not null or exists (select 1 from answer_attribution where receipt_id = $1))`,
    of: ({ input }) => input.receiptId,
    says: 'the answer is attributed, or its epoch is being settled without it.',
  },
  settleEpoch: {
    sql: `select 1 from reward_map where epoch = $1 and status = 'Published' and to_block is null`,
    of: ({ input }) => input.epoch,
    says: 'the epoch is published.',
  },
}

export interface JobSelection {
  statuses?: readonly JobStatus[]
  kinds?: readonly string[]
  /** The code of the error, for example ARTIFACT_STORE. */
  errorCode?: string
  /** Only jobs that were requested at this time or later. */
  since?: Date
  limit?: number
}

export const RETRIABLE_STATUSES: readonly JobStatus[] = ['Failed', 'Cancelled', 'Waiting']
export const MAX_RETRIES = 1000

export interface RefusedRetry {
  id: string
  code: string
  message: string
}

/** Tries all jobs of the selection again, oldest first; by default those that failed. One that is refused does not stop the others. */
export async function retryJobs(
  context: RetryContext,
  { statuses = ['Failed'], kinds, errorCode, since, limit = 100 }: JobSelection,
): Promise<{ retried: JobRun[]; refused: RefusedRetry[] }> {
  const wrong = statuses.find((status) => !RETRIABLE_STATUSES.includes(status))
  if (wrong)
    throw new ApiError(
      'BAD_INPUT',
      `Jobs that are ${wrong} cannot be tried again: ${RETRIABLE_STATUSES.join(', ')} can.`,
    )
  if (!(limit >= 1 && limit <= MAX_RETRIES)) throw new ApiError('BAD_INPUT', `limit must be from 1 to ${MAX_RETRIES}.`)
  const { rows } = await context.db.query<{ id: string }>(
    `select id from job_run where status = any($1) and ($2::text[] is null or kind = any($2)) and ($3::text is null or error->>'code' = $3)
       and ($4::timestamptz is null or created_at >= $4) order by created_at, id limit $5`,
    [statuses, kinds ?? null, errorCode ?? null, since ?? null, limit],
  )
  const retried: JobRun[] = []
  const refused: RefusedRetry[] = []
  for (const { id } of rows)
    try {
      retried.push(await retryJob(context, id))
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof EnqueueError)) throw error
      refused.push({ id, code: error.code, message: error.message })
    }
  return { retried, refused }
}
