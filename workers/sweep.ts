import { tryTransactionLock } from '#schema/advisoryLocks.ts'
import { wakeUps } from '#schema/backlog.ts'
import type { Database, Sql } from '#schema/database.ts'
import { queueEntries, releaseHold } from '#schema/enqueue.ts'
import { jobDefinition, jobKinds } from '#schema/jobs.ts'
import { notify } from '#schema/notifications.ts'
import type { JobRun, JobStatus } from '#schema/offchain/jobs.ts'
import { type QueueEntry, QueueError, type Queues } from '#schema/queue.ts'
import { removeCancelledTexts } from '#schema/removeTexts.ts'
import { countEndedJobs, deleteCancelledCalls, deleteOldJobs } from './jobHistory.ts'
import type { Timing } from './timing.ts'

/** Of each kind: a long backlog of one keeps no other from being found. */
const MAX_ENTRIES = 500

export interface SweepTiming {
  /** A running job without a heartbeat for this time counts as lost. Undefined: none is judged, because the database itself was away. */
  staleMs: number | undefined
  /** A queued job is added to the queue again after this time. */
  queuedMs: number
}

/** Repairs the state after crashes. A running job without a heartbeat for `staleMs` is queued again, or it ends when its attempts are used
 *  up or it was cancelled. Where jobs have been queued longer than `queuedMs`, the queue wakes a worker of their lane; jobs that have waited until
 *  their time are added to the queue (again). Any number of workers may call this; an advisory lock lets one at a time do the work. Returns what was
 *  found. */
export async function sweep(
  { db, queues }: { db: Database; queues: Pick<Queues, 'add'> },
  { staleMs, queuedMs }: SweepTiming,
): Promise<QueueEntry[]> {
  const { waiting, others } = await db.transaction(async (sql) => {
    if (!(await tryTransactionLock(sql, 'sweep'))) return { waiting: [], others: [] }
    if (staleMs !== undefined) await handOnLostJobs(sql, staleMs)
    const startable = (condition: string, values: unknown[] = []) =>
      sql.query<Pick<JobRun, 'id' | 'kind' | 'attempt' | 'priority' | 'queue'>>(
        `select job.* from unnest($1::text[]) as kinds(name), lateral (
           select id, kind, attempt, priority, queue from job_run where kind = kinds.name and ${condition} order by created_at limit ${MAX_ENTRIES}) job`,
        [jobKinds, ...values],
      )
    const queued = await startable(
      `status = 'Queued' and coalesce(heartbeat_at, created_at) < clock_timestamp() - $2 * interval '1 millisecond'`,
      [queuedMs],
    )
    const due = await startable(`status = 'Waiting' and retry_at <= clock_timestamp()`)
    return {
      waiting: queueEntries(queued.rows.filter(hasOwnLane)),
      others: queueEntries([...queued.rows.filter((row) => !hasOwnLane(row)), ...due.rows]),
    }
  })
  const added = [...wakeUps(waiting), ...others]
  if (added.length)
    await queues.add(added).catch((error) => {
      if (!(error instanceof QueueError)) throw error // the next sweep adds them; `watchQueue` tells of a silent queue
    })
  return [...waiting, ...others]
}

/** Workers take the jobs of a lane by the lane's name. Rows of an older release may have another: the queue delivers each of these. */
const hasOwnLane = ({ kind, queue }: Pick<JobRun, 'kind' | 'queue'>) => jobDefinition(kind)?.lane === queue

/** Skips a job that somebody has locked: a worker that is frozen in the middle of a transaction delays only its own job. */
async function handOnLostJobs(sql: Sql, staleMs: number): Promise<void> {
  const lost = await sql.query<{ id: string; status: JobStatus; progress: number }>(
    `update job_run set
         status = case when cancel_requested then 'Cancelled' when attempt >= attempts then 'Failed' else 'Queued' end,
         finished_at = case when cancel_requested or attempt >= attempts then clock_timestamp() end,
         error = case when cancel_requested then null else jsonb_build_object('code', 'WORKER_LOST', 'message',
           format('The worker of attempt %s of %s was lost.', attempt, attempts)
             || case when attempt >= attempts then ' Look into its log, then try the job again (mutation retryJob).' else '' end) end,
         worker_id = null
       where id in (
         select id from job_run where status = 'Running' and heartbeat_at < clock_timestamp() - $1 * interval '1 millisecond'
         for update skip locked)
       returning id, status, progress`,
    [staleMs],
  )
  for (const { id, status, progress } of lost.rows) {
    if (status !== 'Queued') await releaseHold(sql, id)
    if (status === 'Cancelled') await removeCancelledTexts(sql, [id])
    await notify(sql, { type: 'job', id, status, progress })
  }
}

/** Time between two batches of old jobs to delete, and between two passes over all of them. */
const DELETE_MS = 10_000
const DELETE_PASS_MS = 3_600_000
/** Time between two looks for cancelled calls to delete, unless there are more. */
const CANCELLED_PASS_MS = 60_000

export interface SweeperOptions extends Pick<Timing, 'staleMs' | 'queuedMs' | 'sweepMs'> {
  /** Ended jobs that nothing needs are deleted after this time; 0: never. */
  retentionDays: number
}

/** Sweeps with a memory. While this worker itself had no contact with the database for a moment, it does not judge whether others are lost, because
 *  an outage of the database stops every heartbeat; after `staleMs` of contact it judges again. It also counts ended jobs and deletes old ones. */
export function createSweeper(
  context: Parameters<typeof sweep>[0],
  { staleMs, queuedMs, sweepMs, retentionDays }: SweeperOptions,
): () => Promise<QueueEntry[]> {
  let contact = performance.now()
  /** When judging begins again after an outage. */
  let judgeFrom = 0
  let deleteFrom: string | undefined
  let nextDelete = 0
  let nextCancelled = 0
  const keepHistory = () =>
    context.db.transaction(async (sql) => {
      if (!(await tryTransactionLock(sql, 'sweep'))) return
      await countEndedJobs(sql)
      if (performance.now() >= nextCancelled && !(await deleteCancelledCalls(sql)))
        nextCancelled = performance.now() + CANCELLED_PASS_MS
      if (retentionDays === 0 || performance.now() < nextDelete) return
      deleteFrom = await deleteOldJobs(sql, { days: retentionDays, from: deleteFrom })
      nextDelete = performance.now() + (deleteFrom === undefined ? DELETE_PASS_MS : DELETE_MS)
    })
  return async () => {
    if (performance.now() - contact > sweepMs * 2 + 1_000) judgeFrom = performance.now() + staleMs
    const judges = performance.now() >= judgeFrom
    const added = await sweep(context, { staleMs: judges ? staleMs : undefined, queuedMs })
    contact = performance.now()
    await keepHistory()
    return added
  }
}
