import type { Database } from '#schema/database.ts'

/** Rows of `job_run`, numbered from 1, that ended `days` ago. */
export const addJobs = (
  db: Database,
  count: number,
  { kind = 'infer', status = 'Succeeded', days = 0, prefix = 'job' } = {},
) =>
  db.query(
    `insert into job_run (id, kind, input, status, attempt, attempts, queue, progress, idempotency_key, cancel_requested, created_at, started_at,
       heartbeat_at, finished_at)
     select $2 || n, $3, jsonb_build_object('receiptId', $2 || n, 'consumer', '0x1'), $4, 1, 5, 'infer', 1, $2 || n, false, t, t, t,
       case when $4 in ('Succeeded', 'Failed', 'Cancelled') then t + interval '1 second' end
     from generate_series(1, $1::int) n, lateral (select clock_timestamp() - $5 * interval '1 day' - n * interval '1 millisecond' as t) times`,
    [count, prefix, kind, status, days],
  )
