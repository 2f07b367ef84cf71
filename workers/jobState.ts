import { type Database, databaseTime, type Sql } from '#schema/database.ts'
import { type EntityClass, tableOf } from '#schema/define.ts'
import { insertJob, jobFromRow, queueEntries, releaseHold } from '#schema/enqueue.ts'
import { jobKinds, type Lane } from '#schema/jobs.ts'
import { notifySql } from '#schema/notifications.ts'
import { Artifact } from '#schema/offchain/artifacts.ts'
import { type JobCheckpoint, JobRun, type JobStatus } from '#schema/offchain/jobs.ts'
import type { QueueEntry } from '#schema/queue.ts'
import { removeCancelledTexts } from '#schema/removeTexts.ts'
import { columns, type EntityRow, groupRows, row, saveRows, storeSql } from '#schema/rows.ts'
import type { JobOutcome } from './job.ts'

/** Every write of a worker to the job that it runs. Invariant: a write has an effect only while the row is Running under the writer's
 *  claim, so that a worker that counts as lost changes nothing when it continues. */

/** A claim on a job: only this attempt by this worker may write. The worker is part of the claim, because a database that crashes may lose
 *  the newest claim and give the same attempt number again. */
export type Claim = Pick<JobRun, 'id' | 'attempt' | 'workerId'>

/** A write was refused, because its claim no longer holds. */
export class ClaimLostError extends Error {
  override name = 'ClaimLost'
}

const HOLDS_CLAIM = `id = $1 and attempt = $2 and worker_id = $3 and status = 'Running'`
const claimValues = ({ id, attempt, workerId }: Claim) => [id, attempt, workerId]
const claimLost = ({ id, attempt }: Claim) => new ClaimLostError(`Attempt ${attempt} of job ${id} has been superseded.`)

/** Claims and heartbeats are simply repeated if a crash of the database loses them: their commit does not wait for the disk. */
const ASYNCHRONOUS_COMMIT = `select set_config('synchronous_commit', 'off', true)`

/** SQL for the notification about a row of `job_run`. */
const JOB_NOTICE = `json_build_object('type', 'job', 'id', id, 'status', status, 'progress', progress)::text`

/** SQL that starts the next attempt of the jobs that `free` selects. A row that another transaction holds is left to others, so that claims never
 *  wait for each other. $1 is the worker. */
const claimSql = (free: string) => `with lazily as (${ASYNCHRONOUS_COMMIT}), free as (
     select id as free from job_run where ${free} for update skip locked
   ), taken as (
     update job_run set status = 'Running', attempt = attempt + 1, worker_id = $1, error = null, retry_at = null,
       started_at = clock_timestamp(), heartbeat_at = clock_timestamp()
     from free where id = free returning job_run.*)
   select ${columns(JobRun)}, ${notifySql(JOB_NOTICE)} from taken, lazily`

/** Claims jobs that are queued or waiting and whose time has come: an entry of an earlier attempt may arrive late. Undefined for any other job, and for a second delivery, which thus has no effect. */
export async function claimJobs(db: Sql, ids: readonly string[], workerId: string): Promise<(JobRun | undefined)[]> {
  const { rows } = await db.query({
    name: 'claim jobs',
    text: claimSql(
      `id = any($2) and status in ('Queued', 'Waiting') and (retry_at is null or retry_at <= clock_timestamp())`,
    ),
    values: [workerId, ids],
  })
  const claimed = new Map(rows.map((found) => [found.id as string, jobFromRow(found)]))
  return ids.map((id) => {
    const job = claimed.get(id)
    claimed.delete(id)
    return job
  })
}

/** Claims the next queued jobs of a lane, at most `count`, by priority and age; none of `except`, and none of a kind of a newer release. */
export async function claimNextJobs(
  db: Sql,
  lane: Lane,
  count: number,
  workerId: string,
  except: readonly string[] = [],
): Promise<JobRun[]> {
  const { rows } = await db.query({
    name: 'claim next jobs',
    text: claimSql(
      `queue = $2 and status = 'Queued' and kind = any($3) and id <> all($4) and (retry_at is null or retry_at <= clock_timestamp())
       order by priority, created_at limit $5`,
    ),
    values: [workerId, lane, jobKinds, except, count],
  })
  return rows.map(jobFromRow)
}

export const claimJob = async (db: Sql, id: string, workerId: string): Promise<JobRun | undefined> =>
  (await claimJobs(db, [id], workerId))[0]

/** Writes a heartbeat and the progress of the job. Returns whether a cancellation was requested. @throws ClaimLostError */
export async function writeHeartbeat(
  db: Database,
  claim: Claim,
  state?: { progress: number; stage: string | null },
): Promise<{ cancelRequested: boolean }> {
  // One statement: a worker that is frozen between two would keep the row locked.
  const { rows } = await db.query<{ cancel: boolean }>(
    `with lazily as (${ASYNCHRONOUS_COMMIT}), alive as (
       update job_run set heartbeat_at = clock_timestamp(), progress = coalesce($4, progress), stage = coalesce($5, stage)
       where ${HOLDS_CLAIM} returning id, status, progress, cancel_requested)
     select cancel_requested as cancel${state ? `, ${notifySql(JOB_NOTICE)}` : ''} from alive, lazily`,
    [...claimValues(claim), state?.progress ?? null, state?.stage ?? null],
  )
  if (!rows[0]) throw claimLost(claim)
  return { cancelRequested: rows[0].cancel }
}

export interface MetricPoint {
  name: string
  step: number
  value: number
}

export const metricPointId = (jobId: string, { name, step }: Pick<MetricPoint, 'name' | 'step'>) =>
  `${jobId}-${name}-${String(step).padStart(10, '0')}`

/** Stores metric points of the job; storing a point twice has the effect of storing it once. Writes nothing when the claim is lost. */
export const saveMetricPoints = (db: Database, claim: Claim, points: readonly MetricPoint[]) =>
  db.query(
    `with held as (select 1 from job_run where ${HOLDS_CLAIM} for share)
     insert into job_metric (id, job_id, name, step, value)
     select point.id, $1, point.name, point.step, point.value
     from unnest($4::text[], $5::text[], $6::int[], $7::float8[]) as point(id, name, step, value), held
     on conflict (id) do update set value = excluded.value`,
    [
      ...claimValues(claim),
      points.map((point) => metricPointId(claim.id, point)),
      points.map(({ name }) => name),
      points.map(({ step }) => step),
      points.map(({ value }) => value),
    ],
  )

/** Names the checkpoint by which any host continues the job. @throws ClaimLostError */
export async function saveCheckpoint(db: Sql, claim: Claim, checkpoint: JobCheckpoint): Promise<void> {
  const { rowCount } = await db.query(`update job_run set checkpoint = $4 where ${HOLDS_CLAIM}`, [
    ...claimValues(claim),
    JSON.stringify(checkpoint),
  ])
  if (!rowCount) throw claimLost(claim)
}

/** An artifact that is already in the store and will be listed. */
export interface StoredArtifact {
  name: string
  kind: string
  mediaType: string
  size: number
}

/** The end of a job that stores its result and rows, and nothing else. */
export interface PlainSuccess {
  claim: Claim
  /** As JSON. */
  result: string
  rows: readonly EntityRow[]
}

/** Ends jobs and stores their rows, in one statement. Returns whether each claim still held; otherwise nothing of its job is stored. */
export async function succeedJobs(db: Sql, ends: readonly PlainSuccess[]): Promise<boolean[]> {
  const groups = [...rowsOfJobs(ends)]
  const stored = groups.map(([entity], index) => {
    const from = `json_array_elements($${index + 5}::json) as given(item),
      json_populate_record(null::"${tableOf(entity).table}", item->'row') as stored where item->>'job' in (select id from ended)`
    return `, stored${index} as (${storeSql(entity, from)})`
  })
  const { rows } = await db.query<{ id: string }>({
    ...(groups.length < 2 && { name: `succeed jobs ${groups.map(([entity]) => tableOf(entity).table)}` }), // planned once per connection
    text: `with ended as (
       update job_run set status = 'Succeeded', finished_at = clock_timestamp(), result = given.result::jsonb, progress = 1, error = null,
         checkpoint = null
       from unnest($1::text[], $2::int[], $3::text[], $4::text[]) as given(id, attempt, worker_id, result)
       where job_run.id = given.id and job_run.attempt = given.attempt and job_run.worker_id = given.worker_id and status = 'Running'
       returning job_run.id, status, progress)${stored.join('')}
     select id, ${notifySql(JOB_NOTICE)} from ended`,
    values: [
      ends.map(({ claim }) => claim.id),
      ends.map(({ claim }) => claim.attempt),
      ends.map(({ claim }) => claim.workerId),
      ends.map(({ result }) => result),
      ...groups.map(([, given]) => JSON.stringify(given)),
    ],
  })
  const ended = new Set(rows.map(({ id }) => id))
  return ends.map(({ claim }) => ended.has(claim.id))
}

/** The rows of each table with their jobs, in the order of their ids, so that two workers with the same rows wait for each other in one order.
 *  Two jobs with the same row fail together; then each ends alone (`schema/batch.ts`). */
function rowsOfJobs(ends: readonly PlainSuccess[]): Map<EntityClass, { job: string; row: Record<string, unknown> }[]> {
  const groups = new Map<EntityClass, { job: string; row: Record<string, unknown> }[]>()
  for (const { claim, rows } of ends)
    for (const { entity, values } of groupRows(rows)) {
      const group = groups.get(entity) ?? []
      group.push(...values.map((row) => ({ job: claim.id, row })))
      groups.set(entity, group)
    }
  for (const group of groups.values()) group.sort((a, b) => (String(a.row.id) < String(b.row.id) ? -1 : 1))
  return groups
}

/** A job with more rows is stored by itself, so that others do not wait for it. */
const MAX_SHARED_ROWS = 50

/** Stores the artifacts, the rows and the follow-up jobs of a job in one transaction; returns the queue entries of the follow-up jobs.
 *  `succeed` may gather the ends of several jobs that store little. @throws ClaimLostError */
export async function completeJob(
  db: Database,
  job: JobRun,
  outcome: JobOutcome,
  artifacts: readonly StoredArtifact[],
  succeed = async (end: PlainSuccess) => (await succeedJobs(db, [end]))[0] ?? false,
): Promise<QueueEntry[]> {
  const set = 'result = $5, progress = 1, error = null'
  const result = JSON.stringify(outcome.result)
  const { rows = [], next = [], afterRows } = outcome
  if (!artifacts.length && rows.length <= MAX_SHARED_ROWS && !next.length && !afterRows) {
    if (!(await succeed({ claim: job, result, rows }))) throw claimLost(job)
    return []
  }
  return db.transaction(async (sql) => {
    await endAttempt(sql, job, 'Succeeded', set, result)
    const createdAt = await databaseTime(sql)
    const listed = artifacts.map(({ name: id, kind, mediaType, size }) =>
      row(Artifact, { id, kind, mediaType, size: BigInt(size), createdAt }),
    )
    await saveRows(sql, [...listed, ...rows])
    await afterRows?.(sql)
    const followUps: JobRun[] = []
    for (const { kind, input, key } of next) {
      const options = { key: `${job.id}/${key}`, requestedBy: job.requestedBy, parentId: job.id }
      followUps.push((await insertJob(sql, kind, input, options)).job)
    }
    return queueEntries(followUps)
  })
}

export interface JobFailure {
  code: string
  message: string
}

/** Ends a job without a result and releases its credit hold; a call that was cancelled loses its texts. @throws ClaimLostError */
export const endJob = (db: Database, job: JobRun, status: 'Failed' | 'Cancelled', failure?: JobFailure) =>
  db.transaction(async (sql) => {
    await endAttempt(sql, job, status, 'error = $5', failure ? JSON.stringify(failure) : null)
    await releaseHold(sql, job.id)
    if (status === 'Cancelled') await removeCancelledTexts(sql, [job.id])
  })

/** Ends the attempt and sends the notification, in one statement. */
async function endAttempt(sql: Sql, claim: Claim, status: JobStatus, set: string, value: unknown) {
  const { rowCount } = await sql.query(
    `with ended as (
       update job_run set status = $4, finished_at = clock_timestamp(), checkpoint = null, ${set} where ${HOLDS_CLAIM}
       returning id, status, progress)
     select ${notifySql(JOB_NOTICE)} from ended`,
    [...claimValues(claim), status, value],
  )
  if (!rowCount) throw claimLost(claim)
}

/** Hands a job on to its next attempt: at once, after `delayMs`, or after `waitMs` in the state Waiting. With `countAttempt: false` this attempt
 *  does not count against the job's limit. Returns the queue entry. @throws ClaimLostError */
export async function requeueJob(
  db: Database,
  job: JobRun,
  options: { countAttempt?: boolean; failure?: JobFailure; delayMs?: number; waitMs?: number } = {},
): Promise<QueueEntry[]> {
  const { countAttempt = true, failure, delayMs, waitMs } = options
  const status: JobStatus = waitMs === undefined ? 'Queued' : 'Waiting'
  const { rowCount } = await db.query(
    `with handed_on as (
       update job_run set status = $4, heartbeat_at = clock_timestamp(), worker_id = null, error = $5, attempts = attempts + $6,
         waits = waits + $7, waits_by_reason = case when $7 = 0 then waits_by_reason else coalesce(waits_by_reason, '{}')
           || jsonb_build_object($9::text, coalesce((waits_by_reason->>$9)::int, 0) + 1) end, retry_at = clock_timestamp() + $8 * interval '1 millisecond' where ${HOLDS_CLAIM}
       returning id, status, progress)
     select ${notifySql(JOB_NOTICE)} from handed_on`,
    [
      ...claimValues(job),
      status,
      failure ? JSON.stringify(failure) : null,
      countAttempt ? 0 : 1,
      waitMs === undefined ? 0 : 1,
      waitMs ?? delayMs ?? null,
      failure?.code ?? null,
    ],
  )
  if (!rowCount) throw claimLost(job)
  return queueEntries([job])
}
