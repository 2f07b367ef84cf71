import { createHash } from 'node:crypto'
import { addToBacklog } from './backlog.ts'
import { batched } from './batch.ts'
import type { Database, Sql } from './database.ts'
import { PermanentError } from './errors.ts'
import { checkJobInput, type JobDefinition, type JobKind, jobDefinition, jobs } from './jobs.ts'
import { notify, notifySql } from './notifications.ts'
import { IS_LIVE, JobRun } from './offchain/jobs.ts'
import type { QueueEntry, Queues } from './queue.ts'
import { removeCancelledTexts, withoutInputTexts } from './removeTexts.ts'
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
    const request = newJob(kind, input, options)
    const { job } = also
      ? await db.transaction(async (sql) => {
          const inserted = await insertOne(sql, request)
          if (inserted.created) await also(sql, inserted.job)
          return inserted
        })
      : orThrow(await inserterOf(db)(request))
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

/** A request whose key and input are checked. */
interface NewJob {
  id: string
  kind: JobKind
  key: string
  storedKey: string
  /** As JSON. */
  input: string
  requestedBy: string | null
  parentId: string | null
  traceparent: string | null
}

function newJob(kind: JobKind, input: unknown, { key, requestedBy, parentId }: EnqueueOptions): NewJob {
  if (!Object.hasOwn(jobs, kind)) throw new Error(`There is no job kind ${kind}: declare it in schema/jobs.ts.`)
  if (key.length < 1 || key.length > 200)
    throw new EnqueueError('BAD_IDEMPOTENCY_KEY', 'An idempotency key has 1 to 200 characters.')
  return {
    ...{ id: jobId(kind, { key, requestedBy }), kind, key, storedKey: storedKey(kind, key, requestedBy) },
    input: JSON.stringify(checkJobInput(kind, input)),
    requestedBy: requestedBy?.toLowerCase() ?? null,
    parentId: parentId ?? null,
    traceparent: currentTraceparent(),
  }
}

interface Inserted {
  job: JobRun
  /** False when a job with this key existed. */
  created: boolean
}

/** Inserts the job's row and notifies listeners, in one statement. After the commit the caller gives its entry (`queueEntries`) to
 *  `addToBacklog`. @throws InputError, EnqueueError */
export const insertJob = <K extends JobKind>(sql: Sql, kind: K, input: unknown, options: EnqueueOptions) =>
  insertOne(sql, newJob(kind, input, options))

const insertOne = async (sql: Sql, request: NewJob): Promise<Inserted> =>
  orThrow((await insertJobs(sql, [request]))[0] as Inserted | EnqueueError)

function orThrow(result: Inserted | EnqueueError): Inserted {
  if (result instanceof EnqueueError) throw result
  return result
}

const inserters = new WeakMap<Database, (request: NewJob) => Promise<Inserted | EnqueueError>>()

/** Inserts into `db`. Requests that arrive while a statement runs share the next one, and so one commit. */
function inserterOf(db: Database) {
  const made = inserters.get(db) ?? batched((requests: readonly NewJob[]) => insertJobs(db, requests))
  inserters.set(db, made)
  return made
}

const IS_FREE = `exists (select from endpoint e
  where e.id = given.input::jsonb->>'endpointId' and e.to_block is null and e.price_in = 0 and e.price_out = 0)`

/** SQL: the priority of an answer is the number of answers that its consumer waits for, so that a consumer with a long backlog does not keep
 *  another waiting. Answers for nothing come after all others: whoever asks for them may be any number of consumers. The limit is that of BullMQ. */
const FAIR_SHARE = `(select least(count(*) + case when ${IS_FREE} then 1000000 else 0 end, 2000000)::int from job_run
  where kind = 'infer' and ${IS_LIVE} and lower(input->>'consumer') = lower(given.input::jsonb->>'consumer'))`

const definitionOf = (kind: JobKind): JobDefinition => jobDefinition(kind) as JobDefinition

/** In the order of their ids, so that concurrent statements with the same keys wait for each other in one order. */
async function insertJobs(sql: Sql, requests: readonly NewJob[]): Promise<(Inserted | EnqueueError)[]> {
  const sorted = [...requests].sort((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)))
  const { rows } = await sql.query({
    name: 'insert jobs', // planned once per connection
    text: `with made as (
       insert into job_run (id, kind, input, status, attempt, attempts, queue, priority, progress, idempotency_key, requested_by, parent_id,
         traceparent, cancel_requested, created_at)
       select id, kind, input::jsonb, 'Queued', 0, attempts, lane, case when kind = 'infer' then ${FAIR_SHARE} else priority end, 0, key,
         requested_by, parent_id, traceparent, false, clock_timestamp()
       from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::int[], $7::text[], $8::text[], $9::text[], $10::text[])
         as given(id, kind, input, attempts, lane, priority, key, requested_by, parent_id, traceparent)
       on conflict do nothing returning *)
     select ${columns(JobRun)}, ${notifySql(NEW_JOB_NOTICE)} from made`,
    values: [
      sorted.map(({ id }) => id),
      sorted.map(({ kind }) => kind),
      sorted.map(({ input }) => input),
      sorted.map(({ kind }) => definitionOf(kind).attempts),
      sorted.map(({ kind }) => definitionOf(kind).lane),
      sorted.map(({ kind }) => definitionOf(kind).priority ?? 0),
      sorted.map((request) => request.storedKey),
      sorted.map(({ requestedBy }) => requestedBy),
      sorted.map(({ parentId }) => parentId),
      sorted.map(({ traceparent }) => traceparent),
    ],
  })
  const made = new Map(rows.map((found) => [found.id as string, jobFromRow(found)]))
  const results = requests.map(({ id }): Inserted | EnqueueError | undefined => {
    const job = made.get(id)
    made.delete(id) // a second request for it in this statement found it there
    return job && { job, created: true }
  })
  const others = requests.filter((_, index) => !results[index])
  const existing = others.length > 0 ? await existingJobs(sql, others) : []
  return results.map((result) => result ?? (existing.shift() as Inserted | EnqueueError))
}

const NEW_JOB_NOTICE = `json_build_object('type', 'job', 'id', id, 'status', status, 'progress', progress, 'lane', queue)::text`

/** What is left of a cancelled call: the request that was cancelled, but for its texts. */
const IS_CANCELLED_CALL = `status = 'Cancelled' and texts_removed_at is not null`

/** The jobs that the keys of these requests already have, in this order. */
async function existingJobs(sql: Sql, requests: readonly NewJob[]): Promise<(Inserted | EnqueueError)[]> {
  const { rows } = await sql.query(
    `select ${columns(JobRun)}, input = case when ${IS_CANCELLED_CALL} then ${withoutInputTexts('given_input::jsonb')} else given_input::jsonb end as same
     from unnest($1::text[], $2::text[]) with ordinality as given(given_id, given_input, place) join job_run on id = given_id order by place`,
    [requests.map(({ id }) => id), requests.map(({ input }) => input)],
  )
  return requests.map(({ id, kind, key }, index) => {
    const { same, ...job } = rows[index]
    if (job.textsRemovedAt && job.status !== 'Cancelled')
      return new EnqueueError(
        'IDEMPOTENCY_KEY_REUSED',
        `The idempotency key ${JSON.stringify(key)} was used for the call ${id}, whose prompt and answer were removed since. It is not answered again; use a new key for a new request.`,
      )
    if (same) return { job: jobFromRow(job), created: false }
    return new EnqueueError(
      'IDEMPOTENCY_KEY_REUSED',
      `The idempotency key ${JSON.stringify(key)} was already used for a ${kind} with another input (job ${id}). Use a new key for a new request, or send the same input.`,
    )
  })
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

/** Cancels a job. A queued or waiting job is cancelled at once, a running one ends when its worker receives the request, an ended one does not change. A
 *  call that is cancelled loses its texts. @throws EnqueueError when there is no such job. */
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
      await removeCancelledTexts(sql, [id])
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
