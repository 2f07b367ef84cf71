import type { Database, Sql } from './database.ts'
import type { Lane } from './jobs.ts'
import type { JobStatus } from './offchain/jobs.ts'

/** A message between processes through PostgreSQL's NOTIFY. It says what changed but carries no data. It is sent in the transaction that
 *  makes the change, so it is delivered after the commit or not at all. */
export type Notification =
  /** `lane`: the job is new, and a worker of this lane may start it. */
  | { type: 'job'; id: string; status: JobStatus; progress: number; lane?: Lane }
  | { type: 'blocks'; from: number; to: number }
  | { type: 'retracted'; from: number; to: number }
  | { type: 'cancel'; id: string }
  /** A key was revoked, or a session has ended. */
  | { type: 'access'; id: string }
  /** An operator has paused or resumed the steward of a model. */
  | { type: 'steward'; modelId: string }

const CHANNEL = 'modelcommons'

/** An SQL expression that sends a notification in the same statement as a write. `payload` is an SQL expression for the notification as JSON. */
export const notifySql = (payload: string) => `pg_notify('${CHANNEL}', ${payload})::text as notified`

export const notify = (sql: Sql, notification: Notification) =>
  sql.query('select pg_notify($1, $2)', [CHANNEL, JSON.stringify(notification)])

/** Calls `listener` with every notification from now on, and `onReturn` when the connection is back after it was lost; returns a function that stops it. */
export const listenNotifications = (
  db: Database,
  listener: (notification: Notification) => void,
  onReturn?: () => void,
) => db.listen(CHANNEL, (payload) => listener(JSON.parse(payload) as Notification), onReturn)
