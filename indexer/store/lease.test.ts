import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type Database, openDatabase } from '#schema/database.ts'
import { freshDatabase } from '#test/database.ts'
import { FaultProxy } from '#test/faultProxy.ts'
import { forkSource } from '#test/forkSource.ts'
import type { TestChain } from '../test/chain.ts'
import { expectClean, follow, until } from '../test/follow.ts'
import { recordingLogger } from '../test/logger.ts'
import { noise, noisyChain } from '../test/noise.ts'
import { advance, CursorMoved, readCursor } from './cursor.ts'
import { ChainLease } from './lease.ts'

/** A host whose network to PostgreSQL a test can cut without an end of any connection. */
async function otherHost(db: Database) {
  const proxy = await FaultProxy.open(db.url)
  const there = await openDatabase(proxy.url(db.url), { name: 'indexer-under-test' })
  onTestFinished(async () => {
    await proxy.set({ mode: 'refuse' })
    await there.close()
  })
  return { proxy, db: there }
}

const SHORT_TERM = { delayMs: 5, leaseMs: 2_000 }

const transactions = async (chain: TestChain, next: (below: number) => number, count: number) => {
  for (let i = 0; i < count; i++) await noise(chain, next)
}

test('when the host of an indexer vanishes, a standby takes over within 30 s and says so; the host comes back as a standby', async () => {
  const { chain, next } = await noisyChain(5, 51)
  const db = await freshDatabase()
  const away = await otherHost(db)
  const [first, second] = [recordingLogger(), recordingLogger()]
  const vanishing = await follow(chain, away.db, { log: first.log })
  await vanishing.caughtUp()
  const standby = await follow(chain, db, { log: second.log })
  await standby.caughtUp()
  expect([vanishing.status().active, standby.status().active]).toEqual([true, false])

  await away.proxy.set({ mode: 'blackHole' })
  const began = performance.now()
  await transactions(chain, next, 3)
  await standby.caughtUp(await chain.head())
  expect(performance.now() - began).toBeLessThan(30_000)
  expect(standby.status()).toMatchObject({ active: true, state: 'running', counters: { takeovers: 1 } })
  const holder = expect.stringMatching(new RegExp(`:${process.pid}$`))
  expect(second.lines('The other indexer is silent: its session was ended')).toMatchObject([
    { level: 'warn', details: { holder, silentMs: expect.any(Number) } },
  ])
  expect(second.lines('Took over from another indexer')).toMatchObject([{ details: { from: holder } }])

  await until('the other host noticed it by itself', () => !vanishing.status().active)
  expect(first.lines('The lock of the chain was lost')).toMatchObject([
    { level: 'warn', details: { problem: expect.stringMatching(/^DATABASE_URL: the database did not answer within/) } },
  ])
  await away.proxy.set({ mode: 'pass' })
  await until('the other host is a standby', () => vanishing.status().state === 'waiting')
  await transactions(chain, next, 3)
  await standby.caughtUp(await chain.head())
  await vanishing.caughtUp(await chain.head())
  expect(vanishing.status()).toMatchObject({ active: false, counters: { leaseLosses: 1 } })
  await expectClean(chain, db)
})

test('a host that vanishes in the middle of a transaction keeps nothing locked, and its transaction is not committed', async () => {
  const { chain, next } = await noisyChain(5, 52)
  const db = await freshDatabase()
  const away = await otherHost(db)
  const vanishing = await follow(chain, away.db, { patience: SHORT_TERM })
  await vanishing.caughtUp()
  const standby = await follow(chain, db, { patience: SHORT_TERM })
  await standby.caughtUp()

  const gate = await db.pool.connect()
  await gate.query('begin; lock table holder in exclusive mode')
  await chain.send(1, 'GOpen', 'deposit', [], 1n)
  await until('the indexer waits in the middle of its batch', async () => {
    const { rows } = await db.query(`select 1 from pg_locks where not granted and relation = 'holder'::regclass`)
    return rows.length > 0
  })
  await away.proxy.set({ mode: 'blackHole' })
  await until('the standby has the lock', () => standby.status().active)
  await gate.query('rollback')
  gate.release()
  await transactions(chain, next, 3)
  await standby.caughtUp(await chain.head())
  await expectClean(chain, db)
})

test('an indexer process that was frozen is replaced, and stores nothing when it goes on', async () => {
  const { chain, next } = await noisyChain(5, 53)
  const db = await freshDatabase()
  const { chainId, startBlock, addresses } = chain.deployment
  const deployment = { chainId, startBlock: Number(startBlock), addresses }
  const needs = { databaseUrl: db.url, rpcUrl: chain.url, deployment, confirmations: 5, patience: SHORT_TERM }
  const child = forkSource('indexer/test/process.ts', [JSON.stringify(needs)])
  onTestFinished(() => void child.kill('SIGKILL'))
  const holder = async () => (await db.query('select holder from indexer_lease')).rows[0]?.holder
  await until('the process holds the lock', async () => String(await holder()).endsWith(`:${child.pid}`))
  const standby = await follow(chain, db, { patience: SHORT_TERM })
  await standby.caughtUp()
  child.kill('SIGSTOP')
  await transactions(chain, next, 3)
  await standby.caughtUp(await chain.head())
  expect(standby.status().active).toBe(true)
  child.kill('SIGCONT')
  await transactions(chain, next, 3)
  await standby.caughtUp(await chain.head())
  expect(String(await holder()).endsWith(`:${process.pid}`)).toBe(true)
  expect(standby.status()).toMatchObject({ active: true, counters: { leaseLosses: 0 } })
  await expectClean(chain, db)
  await sleep(1_000)
  expect(child.exitCode).toBeNull() // it is a standby
  await standby.stop()
  await until('it takes over again', async () => String(await holder()).endsWith(`:${child.pid}`))
})

test('with an old token nothing can be stored, although the cursor is where the old holder left it', async () => {
  const { chain } = await noisyChain(2, 54)
  const db = await freshDatabase()
  const indexer = await follow(chain, db)
  await indexer.caughtUp()
  await indexer.stop()
  const { chainId } = chain.deployment
  const { contracts } = (await db.query('select contracts from cursor')).rows[0]
  const at = await readCursor(db, chainId, contracts)
  if (!at) throw new Error('There is no cursor')
  const move = (token: number) => db.transaction((sql) => advance(sql, { chainId, token }, at, at, [], async () => {}))
  const signal = AbortSignal.timeout(30_000)
  const theirs = await openDatabase(db.url) // who loses the lease breaks all connections of its pool
  onTestFinished(() => theirs.close())
  const [one, two] = [new ChainLease(theirs, chainId), new ChainLease(db, chainId)]
  await one.hold(signal, async () => {})
  await move(one.token)
  let waited = 0
  const taken = two.hold(signal, async () => void waited++)
  while (waited < 2) await sleep(20)
  await db.query('select pg_terminate_backend(session) from indexer_lease')
  await taken
  expect(two.token).toBe(one.token + 1)
  expect(two.held).toBe(true)
  await vi.waitFor(() => expect(one.held).toBe(false)) // once the end of its connection has arrived
  await expect(move(one.token)).rejects.toBeInstanceOf(CursorMoved)
  await move(two.token)
  await two.release()
})

test('while a batch is being stored for long, the lease is renewed: nobody takes over', async () => {
  const { chain } = await noisyChain(3, 55)
  const db = await freshDatabase()
  const busy = await follow(chain, db, { patience: SHORT_TERM })
  await busy.caughtUp()
  const standby = await follow(chain, db, { patience: SHORT_TERM })
  await standby.caughtUp()
  const gate = await db.pool.connect()
  await gate.query('begin; lock table holder in exclusive mode')
  await chain.send(1, 'GOpen', 'deposit', [], 1n)
  const { rows } = await db.query('select clock_timestamp() as began')
  await until('the lease was renewed long after its first term', async () => {
    const renewed = await db.query(`select renewed_at > $1::timestamptz + interval '5 s' as late from indexer_lease`, [
      rows[0].began,
    ])
    return renewed.rows[0].late
  })
  await gate.query('rollback')
  gate.release()
  await busy.caughtUp(await chain.head())
  expect([busy.status().active, standby.status().active]).toEqual([true, false])
  await expectClean(chain, db)
})
