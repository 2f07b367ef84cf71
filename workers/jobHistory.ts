import type { Sql } from '#schema/database.ts'
import { removeFromJournal } from '#schema/removeTexts.ts'

/** What keeps `job_run` small: ended jobs are counted once, and deleted when nothing needs them any more. */

/** The end of a job is stored a little after the time that it carries; younger ends are counted later. */
const SETTLED = `clock_timestamp() - interval '30 seconds'`

/** Adds the jobs that have ended since the last call to `job_total`. One worker at a time may call it. */
export async function countEndedJobs(sql: Sql): Promise<void> {
  const { rows } = await sql.query<{ until: Date | null }>('select max(counted_until)::text as until from job_total')
  await sql.query(
    `insert into job_total (id, kind, status, count, counted_until)
     select kind || '-' || status, kind, status, count(*), max(finished_at) from job_run
     where finished_at is not null and finished_at > $1::timestamptz and finished_at <= ${SETTLED} group by kind, status
     on conflict (id) do update set count = job_total.count + excluded.count, counted_until = excluded.counted_until`,
    [rows[0]?.until ?? '-infinity'],
  )
}

/** The number of ended jobs that one call looks at. */
const BATCH = 2_000

/** Whether something still needs an ended job. Comparisons say which tasks they opened, and versions name the trainings that made them. A receipt
 *  whose epoch is not settled needs its answer, and one whose map is not published its attribution. A parent stays until its follow-up jobs are gone. An answer's hold stays for
 *  ever and refuses a second charge under the same key; its receipt stays, too. A step of the steward that failed holds its model. */
const NEEDED = `(
  status = 'Succeeded' and kind in ('compare', 'fineTune', 'rlhf', 'evaluate')
  or kind = 'infer' and exists (select 1 from receipt where id = job.id and epoch is null)
  or kind = 'attribute' and exists (select 1 from receipt where id = job.input->>'receiptId' and not exists (
    select 1 from reward_map map where map.epoch = receipt.epoch and map.status = 'Published' and map.to_block is null))
  or status <> 'Succeeded' and exists (select 1 from steward_step where job_id = job.id)
  or exists (select 1 from job_run child where child.parent_id = job.id))`

/** For so long it is told of a call what became of it, although it was cancelled before it began. */
const CANCELLED_CALL_MINUTES = 10

/** Deletes calls that were cancelled before their first attempt, with their holds: they have cost nothing and computed nothing, so that anybody can make any number of
 *  them. The hold of one that costs something goes once the ledger has posted its release. Returns whether there may be more. */
export async function deleteCancelledCalls(sql: Sql): Promise<boolean> {
  const { rowCount } = await sql.query(
    `with old as (
       select id from job_run job where kind = 'infer' and status = 'Cancelled' and attempt = 0
         and finished_at < clock_timestamp() - interval '${CANCELLED_CALL_MINUTES} minutes' and finished_at <= (select max(counted_until) from job_total)
         and not exists (select 1 from credit_hold where id = job.id and (open or fee > 0 or not is_settled and channel_id is not null and maximum > 0))
         and not ${NEEDED} order by finished_at limit ${BATCH} for update skip locked),
     holds as (delete from credit_hold where id in (select id from old)),
     calls as (delete from key_call where id in (select id from old))
     delete from job_run where id in (select id from old)`,
  )
  return rowCount === BATCH
}

/** Deletes jobs that ended more than `days` ago and that nothing needs, with their metrics. It looks at a batch that begins after `from`; returns
 *  where the next batch begins, or undefined at the end. */
export async function deleteOldJobs(
  sql: Sql,
  { days, from = '-infinity' }: { days: number; from?: string },
): Promise<string | undefined> {
  const { rows } = await sql.query<{ id: string; until: string }>(
    `select id, finished_at::text as until from job_run
     where finished_at > $1::timestamptz and finished_at < clock_timestamp() - $2 * interval '1 day'
       and finished_at <= (select max(counted_until) from job_total)
     order by finished_at limit ${BATCH}`,
    [from, days],
  )
  const { rows: failed } = await sql.query<{ id: string }>(
    `select id from job_run job where id = any($1) and kind = 'infer' and status <> 'Succeeded' and attempt > 0 and texts_removed_at is null and not ${NEEDED}`,
    [rows.map(({ id }) => id)],
  )
  await removeFromJournal(
    sql,
    failed.map(({ id }) => id),
  ) // an attempt that was lost may have answered
  await sql.query(
    `with old as (delete from job_run job where id = any($1) and finished_at is not null and not ${NEEDED} returning id)
     delete from job_metric where job_id in (select id from old)`,
    [rows.map(({ id }) => id)],
  )
  return rows.length === BATCH ? rows.at(-1)?.until : undefined
}
