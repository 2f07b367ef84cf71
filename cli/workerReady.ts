import type { Sql } from '#schema/database.ts'
import type { Queues } from '#schema/queue.ts'
import { workerStatus } from '#schema/workers.ts'
import type { ReadinessReport } from './statusServer.ts'

/** A worker is ready while the database knows it to be alive and can be written to, and the queue answers: then every job starts in time.
 *  Rejects with the reason when the database or the queue does not answer. */
export async function workerReady(
  { db, queues }: { db: Sql; queues: Pick<Queues, 'ping'> },
  id: string,
): Promise<ReadinessReport> {
  const { rows } = await db.query(`select current_setting('transaction_read_only') = 'on' as "isReadOnly"`)
  if (rows[0]?.isReadOnly)
    return {
      ready: false,
      reason: 'The database is read-only, so no job can start. Point DATABASE_URL at the primary server.',
    }
  const status = await workerStatus(db, id)
  if (status !== 'Alive')
    return {
      ready: false,
      reason: `The worker ${id} is ${status.toLowerCase()}: the database has no recent heartbeat.`,
    }
  await queues.ping()
  return { ready: true }
}
