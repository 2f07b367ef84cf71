import type { Sql } from './database.ts'

/** The registry of workers: who is alive, who is lost, and when a row is forgotten. The clock is the database's. */

/** A worker without a heartbeat for this time is lost, unless it said that it stops. */
export const LOST_AFTER_SECONDS = 15
/** A lost worker is an alarm for this time: after it, whoever removed the machine on purpose has seen it. */
export const LOST_FOR_SECONDS = 3600
/** Rows of workers that ended earlier are deleted. */
const KEPT_DAYS = 7

export const WORKER_STATUS = ['Alive', 'Stopped', 'Lost'] as const
export type WorkerStatus = (typeof WORKER_STATUS)[number]

/** SQL over `worker_node`. */
export const WORKER_ALIVE = `(stopped_at is null and heartbeat_at > clock_timestamp() - interval '${LOST_AFTER_SECONDS} seconds')`
export const WORKER_LOST = `(stopped_at is null and not ${WORKER_ALIVE} and heartbeat_at > clock_timestamp() - interval '${LOST_FOR_SECONDS} seconds')`

/** SQL: no live worker has a slot for the lane. */
export const isUnserved = (lane: string) =>
  `not exists (select 1 from worker_node where ${WORKER_ALIVE} and (slots is null or (slots->>${lane})::int > 0))`

/** A worker whose row was deleted is lost. */
export async function workerStatus(sql: Sql, id: string): Promise<WorkerStatus> {
  const { rows } = await sql.query(
    `select case when stopped_at is not null then 'Stopped' when ${WORKER_ALIVE} then 'Alive' else 'Lost' end as status
     from worker_node where id = $1`,
    [id],
  )
  return rows[0]?.status ?? 'Lost'
}

/** Writes the heartbeat of a worker. Returns whether its row exists: a restored database may lack it. */
export async function beatWorker(sql: Sql, id: string): Promise<boolean> {
  const { rowCount } = await sql.query('update worker_node set heartbeat_at = clock_timestamp() where id = $1', [id])
  return rowCount === 1
}

/** Says that a worker stops on purpose. */
export async function signOffWorker(sql: Sql, id: string): Promise<void> {
  await sql.query('update worker_node set stopped_at = clock_timestamp() where id = $1', [id])
}

/** Deletes the rows of workers that ended long ago, unless a job still names them. */
export async function pruneWorkers(sql: Sql): Promise<void> {
  await sql.query(
    `delete from worker_node w where greatest(heartbeat_at, stopped_at) < clock_timestamp() - interval '${KEPT_DAYS} days'
     and not exists (select 1 from job_run j where j.worker_id = w.id and j.status = 'Running')`,
  )
}
