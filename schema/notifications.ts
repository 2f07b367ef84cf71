import type { Database, Sql } from './database.ts'
import type { JobStatus } from './offchain/jobs.ts'

/** What processes tell each other through PostgreSQL's NOTIFY: only where to look, never the data itself. A notice is sent
 *  inside the transaction that made it true, so it is heard after the commit or not at all. */
export type Notification =
  | { type: 'job'; id: string; status: JobStatus; progress: number }
  | { type: 'blocks'; from: number; to: number }
  | { type: 'retracted'; from: number; to: number }
  | { type: 'cancel'; id: string }

const CHANNEL = 'modelcommons'

/** An SQL expression that tells `payload`, itself one that gives a notice as text: for statements that write and tell at once. */
export const notifySql = (payload: string) => `pg_notify('${CHANNEL}', ${payload})::text as told`

export const notify = (sql: Sql, notice: Notification) =>
  sql.query('select pg_notify($1, $2)', [CHANNEL, JSON.stringify(notice)])

/** Calls `hear` with every notice from now on; returns how to stop. */
export const listenNotifications = (db: Database, hear: (notice: Notification) => void) =>
  db.listen(CHANNEL, (payload) => hear(JSON.parse(payload) as Notification))
