import type { PoolClient } from 'pg'
import type { Database } from '#schema/database.ts'
import { IndexerError } from '../errors.ts'

/** The lock of a chain is held by a session of PostgreSQL. A pooler in transaction mode (PgBouncer, Odyssey, Supavisor) gives one session to several
 *  clients in turn: then the lock keeps nobody out, and two indexers run at once. */

export const SHARED_SESSION =
  'DATABASE_URL: a pooler in transaction mode stands before PostgreSQL: it gives one session to several clients in turn, so the lock of the chain keeps no second indexer out. Connect the indexer to PostgreSQL itself, or give each client a session of its own (PgBouncer: pool_mode = session).'

const PROBES = 3

const backendOf = async (client: Pick<PoolClient, 'query'>): Promise<number> =>
  (await client.query('select pg_backend_pid() as pid')).rows[0].pid

/** Fails when `client` does not have a session of its own. A direct connection is told by its process id; behind a pooler, another client is
 *  given a transaction meanwhile: in transaction mode it gets the session that `client` just used, or `client` gets another one.
 *  @throws IndexerError that says what to do. */
export async function requireOwnSession(db: Pick<Database, 'pool'>, client: PoolClient): Promise<void> {
  const backend = await backendOf(client)
  if (backend === (client as unknown as { processID?: number }).processID) return
  for (let probe = 0; probe < PROBES; probe++) {
    const other = await db.pool.connect()
    try {
      await other.query('begin')
      const theirs = await backendOf(other)
      if (theirs === backend || (await backendOf(client)) !== backend) throw new IndexerError(SHARED_SESSION)
    } finally {
      await other.query('rollback').catch(() => {})
      other.release()
    }
  }
}
