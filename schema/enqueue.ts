import { createHash } from 'node:crypto'
import { addToBacklog } from './backlog.ts'
import type { Database, Sql } from './database.ts'
import { PermanentError } from './errors.ts'
import { checkJobInput, type JobDefinition, type JobInput, type JobKind, jobDefinition, jobs } from './jobs.ts'
import { type Notification, notify, notifySql } from './notifications.ts'
import { IS_LIVE, JobRun } from './offchain/jobs.ts'
import type { QueueEntry, Queues } from './queue.ts'
import { columns } from './rows.ts'
import { currentTraceparent, traced } from './tracing.ts'

export type EnqueueErrorCode = 'IDEMPOTENCY_KEY_REUSED' | 'BAD_IDEMPOTENCY_KEY' | 'JOB_NOT_FOUND'

export class EnqueueError extends PermanentError {
  override name = 'EnqueueError'
  constructor(
    readonly code: EnqueueErrorCode,
    message: string,
  ) {
    super(message)
  }
}

export interface EnqueueOptions {
  /** Identifies the request: the same key from the same account returns the same job. 1 to 200 characters. */
  key: string
  /** The account that requests the job; null for the system itself. */
  requestedBy: string | null
  parentId?: string
}

interface Context {
  db: Database
  queues: Pick<Queues, 'add'>
}

/** The id of a request's job: 32 hex digits that depend only on the kind, the key and the account. */
export const jobId = (kind: JobKind, { key, requestedBy }: Pick<EnqueueOptions, 'key' | 'requestedBy'>): string =>
  createHash('sha256')
    .update(storedKey(kind, key, requestedBy))
    .digest('hex')
    .slice(0, 32)

/** Accounts choose their own keys, so a key is unique only within an account and a kind. */
const storedKey = (kind: JobKind, key: string, requestedBy: string | null) =>
  JSON.stringify([requestedBy?.toLowerCase() ?? null, kind, key])

/** Creates a job: commits its row, together with what `also` writes, which workers hear of. A second call with the same key returns the existing job
 *  and does not call `also`. It does not wait for the queue.
 *  @throws InputError when the input is invalid; EnqueueError when the key was used with another input. */
export async function enqueue<K extends JobKind>(
  { db, queues }: Context,
  kind: K,
  input: unknown,
  options: EnqueueOptions & { also?: (sql: Sql, job: JobRun) => Promise<void> },
): Promise<JobRun> {
  const { also } = options
  return traced(`enqueue ${kind}`, { kind: 'producer' }, async (span) => {
    const { job } = also
      ? await db.transaction(async (sql) => {
          const inserted = await insertJob(sql, kind, input, options)
          if (inserted.created) await also(sql, inserted.job)
          return inserted
        })
      : await insertJob(db, kind, input, options) // a single statement needs no transaction
    span.set({ 'job.id': job.id, 'job.kind': kind })
    if (job.status === 'Queued') addToBacklog({ db, queues }, queueEntries([job]))
    return job
  })
}

/** The queue entries of jobs. The lane comes from the kind: an older release stored other names of queues. A kind that this release does not
 *  know has no entry; a worker of a newer release adds it. */
export const queueEntries = (rows: readonly Pick<JobRun, 'id' | 'kind' | 'attempt' | 'priority'>[]): QueueEntry[] =>
  rows.flatMap(({ id, kind, attempt, priority }) => {
    const definition = jobDefinition(kind)
    return definition ? [{ lane: definition.lane, id, attempt, priority }] : []
  })

/** SQL: the priority of an answer is the number of answers that its consumer waits for, so that a consumer with a long backlog does not keep
 *  another waiting. $3 is the input. The limit is that of BullMQ. */
const FAIR_SHARE = `(select least(count(*), 2000000)::int from job_run
  where kind = 'infer' and ${IS_LIVE} and lower(input->>'consumer') = lower($3::jsonb->>'consumer'))`

/** Inserts the job's row and notifies listeners, in one statement. After the commit the caller gives its entry (`queueEntries`) to
 *  `addToBacklog`. */
export async function insertJob<K extends JobKind>(
  sql: Sql,
  kind: K,
  input: unknown,
  { key, requestedBy, parentId }: EnqueueOptions,
): Promise<{ job: JobRun; created: boolean }> {
  if (!Object.hasOwn(jobs, kind)) throw new Error(`There is no job kind ${kind}: declare it in schema/jobs.ts.`)
  if (key.length < 1 || key.length > 200)
    throw new EnqueueError('BAD_IDEMPOTENCY_KEY', 'An idempotency key has 1 to 200 characters.')
  const checked: JobInput<K> = checkJobInput(kind, input)
  const stored = JSON.stringify(checked)
  const id = jobId(kind, { key, requestedBy })
  const { attempts, lane, priority = 0 } = jobDefinition(kind) as JobDefinition
  const { rows } = await sql.query({
    name: `insert job ${kind === 'infer' ? kind : priority}`, // planned once per connection
    text: `with made as (
       insert into job_run (id, kind, input, status, attempt, attempts, queue, priority, progress, idempotency_key, requested_by, parent_id,
         traceparent, cancel_requested, created_at)
       values ($1, $2, $3, 'Queued', 0, $4, $5, ${kind === 'infer' ? FAIR_SHARE : priority}, 0, $6, $7, $8, $10, false, clock_timestamp())
       on conflict do nothing returning *)
     select ${columns(JobRun)}, ${notifySql('$9')} from made`,
    values: [
      id,
      kind,
      stored,
      attempts,
      lane,
      storedKey(kind, key, requestedBy),
      requestedBy?.toLowerCase() ?? null,
      parentId ?? null,
      JSON.stringify({ type: 'job', id, status: 'Queued', progress: 0, lane } satisfies Notification),
      currentTraceparent(),
    ],
  })
  if (rows[0]) return { job: jobFromRow(rows[0]), created: true }
  const found = await sql.query<JobRun & { same: boolean }>(
    `select ${columns(JobRun)}, input = $2::jsonb as same from job_run where id = $1`,
    [id, stored],
  )
  const { same, ...job } = found.rows[0] as JobRun & { same: boolean }
  if (!same)
    throw new EnqueueError(
      'IDEMPOTENCY_KEY_REUSED',
      `The idempotency key ${JSON.stringify(key)} was already used for a ${kind} with another input (job ${id}). Use a new key for a new request, or send the same input.`,
    )
  return { job: jobFromRow(job), created: false }
}

/** A row read with `columns(JobRun)`, with or without the column of `notifySql`. */
export function jobFromRow(row: object): JobRun {
  const { notified: _, ...job } = row as { notified?: string }
  return Object.assign(new JobRun(), job)
}

/** The job with this id. @throws EnqueueError when there is none. */
export async function findJob(sql: Sql, id: string): Promise<JobRun> {
  const { rows } = await sql.query(`select ${columns(JobRun)} from job_run where id = $1`, [id])
  if (!rows[0]) throw new EnqueueError('JOB_NOT_FOUND', `There is no job ${id}. Check the id.`)
  return jobFromRow(rows[0])
}

/** Cancels a job. A queued or waiting job is cancelled at once, a running one ends as Cancelled when its worker receives the request, an ended one does
 *  not change. @throws EnqueueError when there is no such job. */
export async function cancelJob({ db }: Pick<Context, 'db'>, id: string): Promise<JobRun> {
  return db.transaction(async (sql) => {
    await sql.query('select 1 from job_run where id = $1 for update', [id])
    const job = await findJob(sql, id)
    if (job.status === 'Queued' || job.status === 'Waiting') {
      await sql.query(
        `update job_run set status = 'Cancelled', cancel_requested = true, retry_at = null, finished_at = clock_timestamp() where id = $1`,
        [id],
      )
      await releaseHold(sql, id)
      await notify(sql, { type: 'job', id, status: 'Cancelled', progress: job.progress })
    } else if (job.status === 'Running' && !job.cancelRequested) {
      await sql.query('update job_run set cancel_requested = true where id = $1', [id])
      await notify(sql, { type: 'cancel', id })
    }
    return findJob(sql, id)
  })
}

/** Releases the credit that was reserved for a job without a result. */
export const releaseHold = (sql: Sql, id: string) =>
  sql.query('update credit_hold set open = false, fee = 0 where id = $1 and open', [id])
