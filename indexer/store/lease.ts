import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PoolClient } from 'pg'
import { endIndexerSession, tryIndexerLock } from '#schema/advisoryLocks.ts'
import type { Database, Sql } from '#schema/database.ts'
import { RetriableError } from '#schema/errors.ts'
import { IndexerError } from '../errors.ts'
import { requireOwnSession, SHARED_SESSION } from './ownSession.ts'
import { within } from './within.ts'

/** One indexer per chain and database writes (decision 0016).
 *
 *  - An **advisory lock** on a session of its own is free at once when the holder ends in any way that PostgreSQL notices.
 *  - A **lease** has a term by the database's clock, which the same session renews. When the holder's host vanishes behind a network that
 *    sends no end of the connection, the term ends: a standby ends the session, and the lock is free.
 *  - A **fencing token** counts the holders. Each transaction that moves the cursor holds the lease's row for its own token
 *    (`cursor.ts`): who has lost the lock can commit nothing any more. */

const TERM_MS = 15_000
/** Parts of the term: between two renewals, and within which a renewal must be answered. Both together are shorter than the term. */
const RENEW_PART = 1 / 4
const ANSWER_PART = 1 / 2
const RETRY_MS = 250
/** How long a new holder waits for a transaction of the one before, until it ends it. */
const STALE_WRITER_WAIT = '1s'
/** SQLSTATE: a lock was not free within `lock_timeout`. */
const LOCK_NOT_AVAILABLE = '55P03'
/** SQLSTATE: the role may not end the session of another role. */
const INSUFFICIENT_PRIVILEGE = '42501'

/** The lock of the chain was lost in the middle of something. */
export class LeaseLost extends RetriableError {
  override name = 'LeaseLost'
}

/** Who holds the lock of a chain. */
export interface LeaseHolder {
  /** Host name and process id. */
  holder: string
  silentMs: number
  /** Its lease had expired, and its session was ended. */
  ended: boolean
}

export class ChainLease {
  private client: PoolClient | undefined
  private current = 0
  /** Why this process may not hold the lock. */
  private refusal: IndexerError | undefined
  /** Whether each client was found to have a session of its own. */
  private ownSessions = false
  /** Called when the lock was lost without `release`. */
  onLost: (problem: string) => void = () => {}

  constructor(
    private readonly db: Database,
    private readonly chainId: number,
    private readonly termMs = TERM_MS,
  ) {}

  get held() {
    return this.client !== undefined
  }

  /** The fencing token of this holder; another one each time that the lock was taken. */
  get token() {
    return this.current
  }

  /** Waits until this process holds the lock; calls `waiting` whenever another session holds it. When the token is another one
   *  afterwards, everything in memory may be stale. @throws IndexerError when sessions are shared, so that no lock holds. */
  async hold(signal: AbortSignal, waiting: (holder: LeaseHolder | undefined) => Promise<void>): Promise<void> {
    while (!this.client) {
      signal.throwIfAborted()
      if (this.refusal) throw this.refusal
      if (await this.take()) return
      await waiting(await this.holder())
      await sleep(RETRY_MS, undefined, { signal })
    }
  }

  /** Whether the lease is no longer this holder's, although nothing has told it so: its process was frozen. Then the lock counts as lost. */
  async wasTaken(): Promise<boolean> {
    const { client } = this
    if (!client) return true
    const { rows } = await this.db.query('select token from indexer_lease where id = $1', [String(this.chainId)])
    if (rows[0]?.token === this.current) return false
    this.lose(client, new LeaseLost('another indexer took over'))
    return true
  }

  async release() {
    const client = this.client
    this.client = undefined
    client?.release(true) // closing the connection releases the lock
  }

  private async take(): Promise<boolean> {
    const client = await this.db.pool.connect()
    const broken = (error: Error) => this.lose(client, error)
    client.on('error', broken)
    try {
      // Before the lock: a shared session would keep it, whoever uses that session next.
      if (!this.ownSessions) await requireOwnSession(this.db, client)
      this.ownSessions = true
      if (!(await tryIndexerLock(client, this.chainId))) {
        client.off('error', broken)
        client.release()
        return false
      }
      this.current = await this.claim(client)
    } catch (error) {
      client.off('error', broken)
      client.release(true)
      throw error
    }
    this.client = client
    void this.keepRenewing(client)
    return true
  }

  /** Writes itself into the lease. A transaction that the holder before left open keeps the row: it is ended. @returns the next token. */
  private async claim(client: PoolClient): Promise<number> {
    for (;;)
      try {
        return await claimLease(client, this.chainId, this.termMs)
      } catch (error) {
        await client.query('rollback')
        if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error
        await client.query(END_STALE_WRITERS)
      }
  }

  private async keepRenewing(client: PoolClient) {
    const values = [String(this.chainId), this.current, this.termMs]
    const answerMs = this.termMs * ANSWER_PART
    try {
      while (this.client === client) {
        await sleep(this.termMs * RENEW_PART, undefined, { ref: false })
        if (this.client !== client) return
        const { rows } = await within(answerMs, client.query(RENEW, values), () => silent(answerMs))
        if (!rows[0]) throw new LeaseLost('another indexer took over')
        if (!rows[0].own) throw (this.refusal = new IndexerError(SHARED_SESSION))
      }
    } catch (error) {
      this.lose(client, error as Error)
    }
  }

  /** The session is gone or silent, and with it very likely every other connection: what waits for an answer must not wait for ever. */
  private lose(client: PoolClient, { message }: Error) {
    if (this.client !== client) return
    this.client = undefined
    client.release(true)
    this.db.breakConnections()
    this.onLost(message)
  }

  /** Who holds the lock, as its lease says. An expired one is ended. An indexer of a release without leases is not known. */
  private async holder(): Promise<LeaseHolder | undefined> {
    const { rows } = await this.db.query(READ, [String(this.chainId)])
    if (!rows[0]) return undefined
    const { holder, session, silentMs, expired } = rows[0]
    const ended = expired && (await endIndexerSession(this.db, this.chainId, session).catch(explainPrivilege))
    return { holder, silentMs: Math.round(silentMs), ended }
  }
}

const silent = (ms: number) => new LeaseLost(`DATABASE_URL: the database did not answer within ${ms / 1000} s`)

const READ = `select holder, session, expires_at < clock_timestamp() as expired,
  extract(epoch from clock_timestamp() - renewed_at)::float8 * 1000 as "silentMs" from indexer_lease where id = $1`

const RENEW = `update indexer_lease set renewed_at = clock_timestamp(), expires_at = clock_timestamp() + $3 * interval '1 ms'
  where id = $1 and token = $2 returning session = pg_backend_pid() as own`

/** Transactions that hold the lease's row for a token: only those of indexers do. */
const END_STALE_WRITERS = `select pg_terminate_backend(pid) from pg_locks
  where relation = 'indexer_lease'::regclass and mode = 'RowShareLock' and granted and pid <> pg_backend_pid()
    and database = (select oid from pg_database where datname = current_database())`

async function claimLease(sql: Pick<Sql, 'query'>, chainId: number, termMs: number): Promise<number> {
  const id = String(chainId)
  await sql.query('begin')
  await sql.query(`set local lock_timeout = '${STALE_WRITER_WAIT}'`)
  await sql.query('select from indexer_lease where id = $1 for update', [id])
  const { rows } = await sql.query(
    `insert into indexer_lease as l (id, holder, session, token, renewed_at, expires_at)
     values ($1, $2, pg_backend_pid(), 1, clock_timestamp(), clock_timestamp() + $3 * interval '1 ms')
     on conflict (id) do update set holder = excluded.holder, session = excluded.session, token = l.token + 1,
       renewed_at = excluded.renewed_at, expires_at = excluded.expires_at
     returning token`,
    [id, `${hostname()}:${process.pid}`, termMs],
  )
  await sql.query('commit')
  return rows[0].token
}

function explainPrivilege(error: { code?: string }): never {
  if (error.code !== INSUFFICIENT_PRIVILEGE) throw error
  throw new RetriableError(
    'DATABASE_URL: the indexer that holds the lock is silent, but this role may not end its session. Use the same role for all indexers, or grant it pg_signal_backend.',
    { cause: error },
  )
}
