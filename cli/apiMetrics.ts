import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Database } from '#schema/database.ts'

/** The API's metrics for Prometheus: its process, and the state of the whole system as the database has it at the time of the scrape. */
export function openApiMetrics(db: Database): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'modelcommons_' })
  const gauge = (name: string, help: string, labelNames: string[], sql: string) =>
    new Gauge({
      name: `modelcommons_${name}`,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        this.reset()
        for (const { value, ...labels } of (await db.query(sql)).rows) this.set(labels, Number(value))
      },
    })
  gauge(
    'index_block',
    'The last block whose rows are stored.',
    ['chain'],
    'select id as chain, block as value from cursor',
  )
  gauge('index_final_block', 'The last final block.', ['chain'], 'select id as chain, final_block as value from cursor')
  gauge(
    'index_lag_blocks',
    'Blocks between the head and the index.',
    ['chain'],
    'select id as chain, head_block - block as value from cursor',
  )
  const newest = (value: string) =>
    `select distinct on (governor_id) governor_id as governor, ${value} as value from reconciliation order by governor_id, block desc, at desc`
  gauge(
    'index_drift',
    'Values of the index that differ from the contracts’, in the newest comparison.',
    ['governor'],
    newest('drift'),
  )
  gauge('index_compared', 'Values that the newest comparison covered.', ['governor'], newest('compared'))
  gauge('index_compared_block', 'The block of the newest comparison.', ['governor'], newest('block'))
  gauge(
    'jobs',
    'Jobs by kind and status.',
    ['kind', 'status'],
    'select kind, status, count(*) as value from job_run group by kind, status',
  )
  gauge(
    'job_seconds',
    'Median seconds of the last hundred jobs that succeeded, by kind.',
    ['kind'],
    `select kind, percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at)) as value from (
       select *, row_number() over (partition by kind order by finished_at desc) as place from job_run where status = 'Succeeded') recent
     where place <= 100 group by kind`,
  )
  gauge(
    'workers',
    'Workers with a heartbeat in the last 15 seconds.',
    ['device'],
    `select device, count(*) as value from worker_node where heartbeat_at > now() - interval '15 seconds' group by device`,
  )
  gauge(
    'fees_wei',
    'Fees settled, by endpoint.',
    ['endpoint'],
    'select endpoint_id as endpoint, sum(fees) as value from usage_settlement where to_block is null group by endpoint_id',
  )
  gauge('database_bytes', 'Size of the database.', [], 'select pg_database_size(current_database()) as value')
  return registry
}
