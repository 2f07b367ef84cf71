import { Counter, Gauge, type Registry } from 'prom-client'
import type { Sql } from '#schema/database.ts'
import { JOB_COUNTS, JOB_SECONDS } from '#schema/jobMetrics.ts'
import { LANES } from '#schema/jobs.ts'
import { ENDPOINTS_WITH_REMOVED_DATA } from '#schema/offchain/removals.ts'
import { isUnserved, LOST_AFTER_SECONDS, LOST_FOR_SECONDS, WORKER_ALIVE, WORKER_LOST } from '#schema/workers.ts'
import { UNTRACED } from '#workers/untraced.ts'

/** The state of the whole system, as the database has it at the time of the scrape. Every API exports the same values: dashboards, alarms and
 *  `doctor` take their maximum, never their sum. Each statement reads few rows, or rows that an index finds. */

interface SystemMetric {
  /** Without the prefix `modelcommons_`. */
  name: string
  help: string
  labels?: readonly string[]
  /** Gives rows of `value` and the labels. */
  sql: string
}

/** From the newest comparison of each governor with its contracts. */
const newestComparison = (value: string) =>
  `select distinct on (governor_id) governor_id as governor, ${value} as value from reconciliation order by governor_id, block desc, at desc`

export const SYSTEM_METRICS: readonly SystemMetric[] = [
  {
    name: 'index_block',
    help: 'The last block whose rows are stored.',
    labels: ['chain'],
    sql: 'select id as chain, block as value from cursor',
  },
  {
    name: 'index_final_block',
    help: 'The last final block.',
    labels: ['chain'],
    sql: 'select id as chain, final_block as value from cursor',
  },
  {
    name: 'indexer_silent_seconds',
    help: 'Seconds since an indexer renewed the lease of its chain, by the clock of the database.',
    labels: ['chain'],
    sql: `select id as chain, extract(epoch from clock_timestamp() - renewed_at) as value from indexer_lease`,
  },
  {
    name: 'index_drift',
    help: 'Values of the index that differ from the contracts’, in the newest comparison.',
    labels: ['governor'],
    sql: newestComparison('drift'),
  },
  {
    name: 'index_compared',
    help: 'Values that the newest comparison covered.',
    labels: ['governor'],
    sql: newestComparison('compared'),
  },
  {
    name: 'index_compared_block',
    help: 'The block of the newest comparison.',
    labels: ['governor'],
    sql: newestComparison('block'),
  },
  {
    name: 'jobs',
    help: 'Jobs by kind and status.',
    labels: ['kind', 'status'],
    sql: JOB_COUNTS,
  },
  {
    name: 'job_seconds',
    help: 'Median seconds of the last hundred jobs that succeeded, by kind.',
    labels: ['kind'],
    sql: JOB_SECONDS,
  },
  {
    name: 'job_queue_seconds',
    help: 'How long the oldest queued job has waited for a worker, by kind.',
    labels: ['kind'],
    sql: `select kind, extract(epoch from now() - min(created_at)) as value from job_run where status = 'Queued' group by kind`,
  },
  {
    name: 'lane_unserved_jobs',
    help: 'Queued jobs of a lane for which no live worker has a slot, by lane.',
    labels: ['lane'],
    sql: `select queue as lane, count(*) as value from job_run
          where status = 'Queued' and queue in (${LANES.map((lane) => `'${lane}'`).join(', ')}) and ${isUnserved('queue')} group by queue`,
  },
  {
    name: 'jobs_waiting',
    help: 'Jobs that wait for a service or a resource, by reason (the code of the job’s error).',
    labels: ['reason'],
    sql: `select error->>'code' as reason, count(*) as value from job_run where status = 'Waiting' group by 1`,
  },
  {
    name: 'job_waiting_seconds',
    help: 'How long ago the oldest of them began its latest attempt, by reason.',
    labels: ['reason'],
    sql: `select error->>'code' as reason, extract(epoch from now() - min(coalesce(started_at, created_at))) as value
          from job_run where status = 'Waiting' group by 1`,
  },
  {
    name: 'jobs_stalled',
    help: 'Running jobs without a heartbeat for a minute, by kind: the sweep of a live worker would have queued them again.',
    labels: ['kind'],
    sql: `select kind, count(*) as value from job_run
          where status = 'Running' and heartbeat_at < now() - interval '1 minute' group by kind`,
  },
  {
    name: 'workers',
    help: `Workers with a heartbeat in the last ${LOST_AFTER_SECONDS} seconds.`,
    labels: ['device'],
    sql: `select device, count(*) as value from worker_node where ${WORKER_ALIVE} group by device`,
  },
  {
    name: 'workers_lost',
    help: `Workers that ended without saying so, for ${LOST_FOR_SECONDS / 60} minutes after that.`,
    sql: `select count(*) as value from worker_node where ${WORKER_LOST}`,
  },
  {
    name: 'transactions_unmined',
    help: 'Signed transactions that are not known to be mined.',
    labels: ['sender'],
    sql: `select sender, count(*) as value from chain_transaction where status = 'Sent' and id not like 'gap-%' group by sender`,
  },
  {
    name: 'transaction_unmined_seconds',
    help: 'How long the oldest of them has waited.',
    labels: ['sender'],
    sql: `select sender, extract(epoch from now() - min(created_at)) as value from chain_transaction
          where status = 'Sent' and id not like 'gap-%' group by sender`,
  },
  {
    name: 'receipt_unsettled_seconds',
    help: 'How long the oldest answer that can be paid has waited for the settlement of its epoch.',
    sql: `select coalesce(extract(epoch from now() - min(answered_at)), 0) as value from receipt where epoch is null and fee > 0 and channel_id is not null
          and not exists (select 1 from payment_channel c where c.id = channel_id and c.to_block is null and cumulative > c.redeemed + c.balance)`,
  },
  {
    name: 'fees_uncovered_wei',
    help: 'Fees of answers for which consumers have no credit left, by endpoint.',
    labels: ['endpoint'],
    sql: `select s.endpoint_id as endpoint, sum(s.used - c.redeemed - c.balance) as value from signed_voucher s
          join payment_channel c on c.id = s.id and c.to_block is null where s.used > c.redeemed + c.balance group by s.endpoint_id`,
  },
  {
    name: 'answers_untraced',
    help: 'Opened answers whose tracing to contributions failed for reasons of the infrastructure: their epoch stays open, for at most 72 hours.',
    sql: `select count(*) as value from ${UNTRACED}`,
  },
  {
    name: 'fees_wei',
    help: 'Fees redeemed, by endpoint.',
    labels: ['endpoint'],
    sql: 'select endpoint_id as endpoint, sum(amount) as value from redemption where to_block is null group by endpoint_id',
  },
  {
    name: 'seats_undrawn_blocks',
    help: 'For how many blocks the oldest open round has waited for the draw of its seats: from 256 on, its block’s hash is lost and a later one is taken.',
    sql: `select coalesce(max(cursor.block - opened_block), 0) as value from feedback_round, cursor
          where to_block is null and seed is null and not settled and commit_deadline > now()`,
  },
  {
    name: 'steward_models',
    help: 'Models with a mandate, by what the steward does for them.',
    labels: ['state'],
    sql: 'select state, count(*) as value from stewardship group by state',
  },
  {
    name: 'steward_silent_seconds',
    help: 'Seconds since a steward last looked at the models that have a policy.',
    sql: `select extract(epoch from clock_timestamp() - max(decided_at)) as value from stewardship where policy is not null having count(*) > 0`,
  },
  {
    name: 'served_removed_contributions',
    help: 'Contributions that were taken down or withdrawn, and that the version of an endpoint learned from.',
    labels: ['endpoint', 'host', 'version'],
    sql: ENDPOINTS_WITH_REMOVED_DATA,
  },
  {
    name: 'versions_below_mandate',
    help: 'Versions that serve although their rolling evaluation fell below the mandate: the steward’s dispute about them is not decided.',
    labels: ['model', 'version'],
    sql: `select s.model_id as model, v.id as version, count(*) as value from steward_step s join job_run j on j.id = s.job_id
          join model_version v on v.id = j.input->>'versionId' and v.to_block is null and v.status = 'Promoted'
          where s.name = 'recourse' and (j.status <> 'Succeeded' or exists (
            select 1 from dispute d where d.id = j.result->>'disputeId' and d.outcome = 'Open' and d.to_block is null)) group by 1, 2`,
  },
  {
    name: 'database_bytes',
    help: 'Size of the database.',
    sql: 'select pg_database_size(current_database()) as value',
  },
  {
    name: 'database_connections_used',
    help: 'The part of PostgreSQL’s max_connections that is in use, from 0 to 1.',
    sql: `select count(*)::float8 / current_setting('max_connections')::float8 as value from pg_stat_activity where backend_type = 'client backend'`,
  },
]

export const METRIC_PREFIX = 'modelcommons_'

export type Labels = Record<string, string>
export interface MetricSample {
  labels: Labels
  value: number
}

/** The present values of one metric. */
export async function readSystemMetric(sql: Sql, metric: Pick<SystemMetric, 'sql'>): Promise<MetricSample[]> {
  const { rows } = await sql.query(metric.sql)
  return rows.map(({ value, ...labels }) => ({ labels, value: Number(value) }))
}

/** Adds the metrics to a registry. One whose statement fails is left out of the scrape and counted; the others are shown. */
export function addSystemMetrics(registry: Registry, db: Sql): void {
  const failures = new Counter({
    name: `${METRIC_PREFIX}metric_failures_total`,
    help: 'Metrics whose statement failed, by metric.',
    labelNames: ['metric'],
    registers: [registry],
  })
  for (const metric of SYSTEM_METRICS)
    new Gauge({
      name: METRIC_PREFIX + metric.name,
      help: metric.help,
      labelNames: metric.labels ?? [],
      registers: [registry],
      async collect() {
        this.reset()
        try {
          for (const { labels, value } of await readSystemMetric(db, metric)) this.set(labels, value)
        } catch {
          failures.inc({ metric: metric.name })
        }
      },
    })
}
