import { jobKinds } from './jobs.ts'
import { IS_LIVE } from './offchain/jobs.ts'

/** SQL for metrics of jobs. Each reads a bounded number of rows, through an index that holds only them, however many jobs have ended. */

/** `kind, status, value`: live jobs are counted; ended ones were counted by the workers' sweep, but for those of the last minutes. */
export const JOB_COUNTS = `
  select kind, status, sum(count)::bigint as value from (
    select kind, status, count(*) from job_run where ${IS_LIVE} group by kind, status
    union all
    select kind, status, count from job_total
    union all
    select kind, status, count(*) from job_run
    where finished_at > now() - interval '10 minutes' and finished_at > coalesce((select max(counted_until) from job_total), '-infinity')
    group by kind, status) counted
  group by kind, status`

/** `kind, value`: median seconds of the last hundred jobs that succeeded. */
export const JOB_SECONDS = `
  select kind, percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at)) as value
  from unnest(array[${jobKinds.map((kind) => `'${kind}'`).join(', ')}]) as kinds(name), lateral (
    select kind, started_at, finished_at from job_run where kind = kinds.name and status = 'Succeeded'
    order by finished_at desc limit 100) recent
  group by kind`
