import type { PoolClient } from 'pg'
import type { Database } from '#schema/database.ts'
import { RetriableError } from '#schema/errors.ts'
import { IndexerError } from '../errors.ts'
import { within } from './within.ts'

/** The lock of a chain is held by a session of PostgreSQL. A pooler in transaction mode (PgBouncer, Odyssey, Supavisor) gives one session to several
 *  clients in turn: then the lock keeps nobody out, and two indexers run at once. */

export const SHARED_SESSION =
  'DATABASE_URL: a pooler in transaction mode stands before PostgreSQL: it gives one session to several clients in turn, so the lock of the chain keeps no second indexer out. Connect the indexer to PostgreSQL itself, or give each client a session of its own (PgBouncer: pool_mode = session).'

const PROBES = 3
/** How long a pooler may keep one of our clients waiting for a session. */
const SESSION_WAIT_MS = 10_000

const noSession = (ms: number) =>
  new RetriableError(
    `DATABASE_URL: a pooler stands before PostgreSQL, and gave two clients no session within ${ms / 1000} s. Connect the indexer to PostgreSQL itself, or let the pooler have more sessions (PgBouncer: default_pool_size), at least as many as its clients have connections.`,
  )

const backendOf = async (client: Pick<PoolClient, 'query'>): Promise<number> =>
  (await client.query('select pg_backend_pid() as pid')).rows[0].pid

/** Fails when `client` does not have a session of its own. A direct connection is told by its process id; behind a pooler, another client is
 *  given a transaction meanwhile: in transaction mode it gets the session that `client` just used, or `client` gets another one.
 *  @throws IndexerError that says what to do; RetriableError when the pooler has no session for a client within `waitMs`. */
export async function requireOwnSession(
  db: Pick<Database, 'pool'>,
  client: PoolClient,
  waitMs = SESSION_WAIT_MS,
): Promise<void> {
  const late = () => noSession(waitMs)
  const backend = await within(waitMs, backendOf(client), late)
  if (backend === (client as unknown as { processID?: number }).processID) return
  for (let probe = 0; probe < PROBES; probe++) {
    const other = await db.pool.connect()
    let rolledBack = false
    try {
      if (await within(waitMs, sharesSession(other, client, backend), late)) throw new IndexerError(SHARED_SESSION)
      await within(waitMs, other.query('rollback'), late)
      rolledBack = true
    } finally {
      other.release(!rolledBack) // closing it ends its transaction, and whatever it waits for
    }
  }
}

async function sharesSession(other: PoolClient, client: PoolClient, backend: number): Promise<boolean> {
  await other.query('begin')
  return (await backendOf(other)) === backend || (await backendOf(client)) !== backend
}
