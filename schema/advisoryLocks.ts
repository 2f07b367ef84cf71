import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from './database.ts'

/** All advisory locks that this system takes in PostgreSQL, in one table, so that no two of them are the same by accident.
 *
 *  PostgreSQL has two separate key spaces: one `bigint`, and a pair of `int`. `sweep` and `indexer` hold the same number, but never
 *  wait for each other, because one is a `bigint` and the other is the first half of a pair. Keys of the kind `text` are hashed into the
 *  `bigint` space: they meet another key by chance with a probability of 2⁻⁶⁴.
 *
 *  The numbers must not change: during an upgrade, processes of the old and of the new release must wait for each other.
 *  https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS */
export const ADVISORY_LOCKS = {
  /** One process at a time migrates the database. Held by a session. */
  migration: { kind: 'bigint', key: 7_235_801 },
  /** One worker at a time requeues lost jobs. Held by a transaction. */
  sweep: { kind: 'bigint', key: 7_235_802 },
  /** One worker at a time posts to the ledger. Held by a transaction. */
  ledger: { kind: 'bigint', key: 7_235_804 },
  /** One comparison at a time takes items of a gold pool, or shows them. Held by a transaction. */
  gold: { kind: 'bigint', key: 7_235_805 },
  /** One indexer per chain; the second half of the pair is the chain id. Held by a session of its own, which renews a lease
   *  (`indexer/store/lease.ts`). */
  indexer: { kind: 'pair', key: 7_235_802 },
  /** One change at a time of a consumer's vouchers and holds; the account follows the prefix. Held by a transaction. */
  credit: { kind: 'text', key: 'credit:' },
  /** One request at a time is counted against the limits of relaying. Held by a transaction. */
  relay: { kind: 'bigint', key: 7_235_806 },
  /** One worker at a time removes texts from the journal of answers. Held by a transaction. */
  texts: { kind: 'bigint', key: 7_235_807 },
  /** One process at a time signs for an account; the text is the address, the seed of the hash is the chain id. Held by a transaction. */
  signer: { kind: 'text', key: '' },
} as const

/** A holder that sends no statement for this time loses its transaction and with it the lock: it is frozen, or it waits for something else,
 *  which it must not do while others wait for the lock. */
const endIdleHolder = (after: string) => `set_config('idle_in_transaction_session_timeout', '${after}', true)`
/** Whoever posts to the ledger reads artifacts while it holds the lock, and whoever removes texts the journal. */
const MAX_IDLE = { signer: '20s', sweep: '5s', ledger: '60s', texts: '600s' } as const

/** Takes a lock until the transaction of `sql` ends. @returns false at once when another transaction holds it. */
export async function tryTransactionLock(sql: Sql, lock: 'sweep' | 'ledger' | 'texts'): Promise<boolean> {
  const { rows } = await sql.query(
    `select pg_try_advisory_xact_lock($1::bigint) as taken, ${endIdleHolder(MAX_IDLE[lock])}`,
    [ADVISORY_LOCKS[lock].key],
  )
  return rows[0].taken
}

/** Takes the indexer's lock of a chain until the session of `sql` ends. @returns false at once when another session holds it. */
export async function tryIndexerLock(sql: Pick<Sql, 'query'>, chainId: number): Promise<boolean> {
  const pair = [ADVISORY_LOCKS.indexer.key, chainId | 0]
  const { rows } = await sql.query('select pg_try_advisory_lock($1::int, $2::int) as taken', pair)
  return rows[0].taken
}

/** Ends the session with the process id `session`, if it holds the indexer's lock of a chain. @returns whether it did. */
export async function endIndexerSession(sql: Pick<Sql, 'query'>, chainId: number, session: number): Promise<boolean> {
  const { rows } = await sql.query(
    `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and pid = $3
       and classid = $1::int4::oid and objid = $2::int4::oid and objsubid = 2
       and database = (select oid from pg_database where datname = current_database())`,
    [ADVISORY_LOCKS.indexer.key, chainId | 0, session],
  )
  return rows.length > 0
}

/** Waits for the lock on the gold pools, and holds it until the transaction of `sql` ends. */
export async function lockGold(sql: Sql): Promise<void> {
  await sql.query('select pg_advisory_xact_lock($1::bigint)', [ADVISORY_LOCKS.gold.key])
}

/** Waits for the lock on the counts of relaying, and holds it until the transaction of `sql` ends. */
export async function lockRelay(sql: Sql): Promise<void> {
  await sql.query('select pg_advisory_xact_lock($1::bigint)', [ADVISORY_LOCKS.relay.key])
}

/** Waits for the lock on the credit of `consumer` (lower case), and holds it until the transaction of `sql` ends. */
export async function lockCredit(sql: Sql, consumer: string): Promise<void> {
  const text = `${ADVISORY_LOCKS.credit.key}${consumer}`
  await sql.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [text])
}

/** Waits for the right to sign for `sender` on a chain, and holds it until the transaction of `sql` ends. What the holder stores is fenced
 *  by the same transaction: a holder that lost the lock can commit nothing. */
export async function lockSigner(sql: Sql, sender: string, chainId: number): Promise<void> {
  await sql.query(`select ${endIdleHolder(MAX_IDLE.signer)}, pg_advisory_xact_lock(hashtextextended($1, $2))`, [
    sender,
    chainId,
  ])
}

/** Between two attempts to get the right to migrate. */
const MIGRATION_POLL_MS = 200

/** Waits for the right to migrate, runs `work`, and gives the lock back. It asks again and again: an index that is created concurrently waits for all other
 *  statements, also for one that waits for a lock. */
export async function withMigrationLock<T>(session: Pick<Sql, 'query'>, work: () => Promise<T>): Promise<T> {
  const { key } = ADVISORY_LOCKS.migration
  while (!(await session.query(`select pg_try_advisory_lock(${key}) as taken`)).rows[0].taken)
    await sleep(MIGRATION_POLL_MS)
  try {
    return await work()
  } finally {
    await session.query(`select pg_advisory_unlock(${key})`)
  }
}
