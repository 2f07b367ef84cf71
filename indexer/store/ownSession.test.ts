import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '#schema/database.ts'
import { freshDatabase } from '#test/database.ts'
import { PoolingProxy } from '#test/poolingProxy.ts'
import { startIndexer } from '../index.ts'
import { expectClean, follow, until } from '../test/follow.ts'
import { noise, noisyChain } from '../test/noise.ts'
import { requireOwnSession } from './ownSession.ts'

async function pooled(mode: PoolingProxy['mode'], sessions = 12) {
  const direct = await freshDatabase()
  const proxy = await PoolingProxy.open(direct.url, mode, sessions)
  const db = await openDatabase(proxy.url, { name: 'indexer behind a pooler' })
  onTestFinished(async () => {
    await db.close()
    proxy.close()
  })
  return { direct, proxy, db }
}

test.each([1, 2, 12])(
  'behind a pooler in transaction mode with %i idle sessions, an indexer ends and says why: its lock would keep no other out',
  async (sessions) => {
    const { chain } = await noisyChain(3, 41)
    const { direct, db } = await pooled('transaction', sessions)
    const needs = { db, rpcUrl: chain.url, deployment: chain.deployment, confirmations: 5, pollMs: 10 }
    const stopped = startIndexer(needs).then((indexer) => indexer.stopped)
    await expect(stopped).rejects.toThrow(
      /^DATABASE_URL: a pooler in transaction mode stands before PostgreSQL.*pool_mode = session/,
    )
    const locks = await direct.query(
      `select from pg_locks where locktype = 'advisory'
       and database = (select oid from pg_database where datname = current_database())`,
    )
    expect(locks.rowCount, 'locks that shared sessions keep').toBe(0)
  },
)

test('behind a pooler that gives each client a session of its own, indexers work and take over as without it', async () => {
  const { chain, next } = await noisyChain(5, 41)
  const { direct, db } = await pooled('session', 40)
  const first = await follow(chain, db)
  await first.caughtUp()
  const second = await follow(chain, direct)
  await second.caughtUp()
  expect([first.status().active, second.status().active]).toEqual([true, false])
  await first.stop()
  await noise(chain, next)
  await second.caughtUp(await chain.head())
  expect(second.status().active).toBe(true)
  await expectClean(chain, direct)
})

test('a pooler that begins to share sessions later is noticed when the lease is renewed', async () => {
  const { chain, next } = await noisyChain(3, 41)
  const { proxy, db } = await pooled('session', 40)
  const indexer = await follow(chain, db, { patience: { delayMs: 5, leaseMs: 1_000 } })
  await indexer.caughtUp()
  proxy.mode = 'transaction'
  for (let n = 0; n < 3; n++) await noise(chain, next)
  await until('the indexer ended', () => indexer.status().state === 'stopped')
  expect(indexer.status().problem).toContain('pool_mode = session')
})

test('a pooler that has no session for a second client is told in time, and keeps nothing waiting', async () => {
  const { db } = await pooled('session', 1)
  const client = await db.pool.connect()
  await expect(requireOwnSession(db, client, 300)).rejects.toThrow(/no session within 0.3 s.*default_pool_size/)
  client.release()
  expect((await db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test.each(['transaction', 'session'] as const)(
  'a client that leaves a pooler in %s mode leaves neither its transaction nor its place in the queue',
  async (mode) => {
    const { db, direct } = await pooled(mode, 1)
    const leaving = await db.pool.connect()
    await leaving.query('begin')
    await leaving.query('create table left_open ()')
    const waits = await db.pool.connect()
    const never = waits.query('create table too_late ()').catch(() => {})
    waits.release(true)
    await never
    leaving.release(true)
    expect((await db.query("select count(*) from pg_class where relname in ('left_open', 'too_late')")).rows).toEqual([
      { count: 0 },
    ])
    await until('the transaction ended', async () => {
      const { rows } = await direct.query(
        "select from pg_stat_activity where state like 'idle in%' and datname = current_database()",
      )
      return rows.length === 0
    })
  },
)
