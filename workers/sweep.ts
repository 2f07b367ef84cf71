import { tryTransactionLock } from '#schema/advisoryLocks.ts'
import type { Database } from '#schema/database.ts'
import { releaseHold } from '#schema/enqueue.ts'
import { notify } from '#schema/notifications.ts'
import type { JobStatus } from '#schema/offchain/jobs.ts'
import type { QueueEntry, Queues } from '#schema/queue.ts'

const MAX_ENTRIES = 500

/** Repairs the state after crashes. A running job without a heartbeat for `staleMs` is queued again, or it ends when its attempts are used
 *  up or it was cancelled. Jobs that have waited longer than `queuedMs` are added to the queue again. Any number of workers may call
 *  this; an advisory lock lets one at a time do the work. Returns the entries that were added to the queue. */
export async function sweep(
  { db, queues }: { db: Database; queues: Pick<Queues, 'add'> },
  { staleMs, queuedMs }: { staleMs: number; queuedMs: number },
): Promise<QueueEntry[]> {
  const entries = await db.transaction(async (sql) => {
    if (!(await tryTransactionLock(sql, 'sweep'))) return []
    const lost = await sql.query<{ id: string; status: JobStatus; progress: number }>(
      `update job_run set
         status = case when cancel_requested then 'Cancelled' when attempt >= attempts then 'Failed' else 'Queued' end,
         finished_at = case when cancel_requested or attempt >= attempts then clock_timestamp() end,
         error = case when cancel_requested then null else jsonb_build_object('code', 'WORKER_LOST', 'message',
           format('The worker of attempt %s of %s was lost.', attempt, attempts)
             || case when attempt >= attempts then ' Look into its log, then request the job again under a new idempotency key.' else '' end) end,
         worker_id = null
       where status = 'Running' and heartbeat_at < clock_timestamp() - $1 * interval '1 millisecond'
       returning id, status, progress`,
      [staleMs],
    )
    for (const { id, status, progress } of lost.rows) {
      if (status !== 'Queued') await releaseHold(sql, id)
      await notify(sql, { type: 'job', id, status, progress })
    }
    const waiting = await sql.query<QueueEntry>(
      `select id, queue, attempt from job_run
       where status = 'Queued' and coalesce(heartbeat_at, created_at) < clock_timestamp() - $1 * interval '1 millisecond'
       order by created_at limit ${MAX_ENTRIES}`,
      [queuedMs],
    )
    return waiting.rows
  })
  if (entries.length) await queues.add(entries)
  return entries
}
