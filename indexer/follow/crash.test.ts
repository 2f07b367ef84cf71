import type { ChildProcess } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { type Database, openDatabase } from '#schema/database.ts'
import { freshDatabase } from '#test/database.ts'
import { forkSource } from '#test/forkSource.ts'
import { type TestChain, testChain } from '../test/chain.ts'
import { faultyNode } from '../test/faultyNode.ts'
import { expectClean, follow as followWith, until } from '../test/follow.ts'
import { recordingLogger } from '../test/logger.ts'
import { noise, noisyChain, prepareNoise, seededInts } from '../test/noise.ts'

const CONFIRMATIONS = 30

function spawnIndexer(chain: TestChain, db: Database, rpcUrl = chain.url): ChildProcess {
  const { chainId, startBlock, addresses } = chain.deployment
  const deployment = { chainId, startBlock: Number(startBlock), addresses }
  const needs = { databaseUrl: db.url, rpcUrl, deployment, confirmations: CONFIRMATIONS }
  const child = forkSource('indexer/test/process.ts', [JSON.stringify(needs)])
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

const follow = (chain: TestChain, db: Database, rpcUrl = chain.url) =>
  followWith(chain, db, { rpcUrl, confirmations: CONFIRMATIONS })

const ended = (child: ChildProcess) => new Promise<void>((done) => child.once('exit', () => done()))

const cursorOf = async (db: Database) => (await db.query('select block, hash from cursor')).rows[0]

test('an indexer killed in the middle of a transaction leaves nothing half-done, and the next one goes on', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const db = await freshDatabase()
  const first = await follow(chain, db)
  await first.caughtUp()
  await first.stop()
  const before = await cursorOf(db)
  const next = seededInts(5)
  for (let i = 0; i < 20; i++) await noise(chain, next)
  await chain.send(1, 'GOpen', 'deposit', [], 1n)

  const gate = await db.pool.connect()
  await gate.query('begin; lock table holder in exclusive mode')
  const child = spawnIndexer(chain, db)
  await until('the indexer waits in the middle of its batch', async () => {
    const { rows } = await db.query(`select 1 from pg_locks where not granted and relation = 'holder'::regclass`)
    return rows.length > 0
  })
  child.kill('SIGKILL')
  await ended(child)
  await gate.query('rollback')
  gate.release()

  await until('the killed transaction is gone', async () => {
    const { rows } = await db.query(
      `select 1 from pg_stat_activity where application_name = 'indexer-under-test' and datname = current_database()`,
    )
    return rows.length === 0
  })
  expect(await cursorOf(db)).toEqual(before)
  const second = await follow(chain, db)
  await second.caughtUp()
  await expectClean(chain, db)
})

test('an indexer killed repeatedly while the chain grows and reorganises ends with the rows of a clean sync', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const db = await freshDatabase()
  const next = seededInts(23)
  for (let i = 0; i < 20; i++) await noise(chain, next)
  for (let life = 0; life < 3; life++) {
    const child = spawnIndexer(chain, db)
    const from = (await cursorOf(db))?.block ?? 0
    await until('the indexer has done something', async () => ((await cursorOf(db))?.block ?? 0) > from)
    for (let i = 0; i < 4; i++) await noise(chain, next)
    await chain.call('anvil_reorg', 1 + next(8), [])
    for (let i = next(6); i > 0; i--) await noise(chain, next)
    child.kill('SIGKILL')
    await ended(child)
    for (let i = 0; i < 3; i++) await noise(chain, next)
  }
  const last = await follow(chain, db)
  await last.caughtUp()
  await expectClean(chain, db)
})

test('a second indexer of the same chain waits for the first, and takes over when that is killed', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const db = await freshDatabase()
  const child = spawnIndexer(chain, db)
  await until('the first has begun', async () => (await cursorOf(db))?.block === (await chain.head()))
  const second = await follow(chain, db)
  await chain.send(1, 'GOpen', 'deposit', [], 1n)
  await until('the first goes on', async () => (await cursorOf(db))?.block === (await chain.head()))
  await second.caughtUp() // by what the first does
  expect(second.status().state).toBe('waiting')
  child.kill('SIGKILL')
  await chain.send(1, 'GOpen', 'deposit', [], 1n)
  await second.caughtUp()
  expect(second.status().state).toBe('running')
  await expectClean(chain, db)
})

test('while the node is down the indexer reports it and waits; when the node is back, it goes on', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const node = await faultyNode(chain.url)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, node.url)
  await indexer.caughtUp()
  await node.down()
  await until('it says so', async () => indexer.status().state === 'retrying')
  expect(indexer.status().problem).toMatch(/RPC_URL: http:\/\/127\.0\.0\.1:\d+ does not answer .*Start the node/)
  const next = seededInts(9)
  for (let i = 0; i < 5; i++) await noise(chain, next)
  await node.up()
  await indexer.caughtUp(await chain.head())
  expect(indexer.status()).toMatchObject({ state: 'running', problem: undefined })
  await expectClean(chain, db)
})

test('a failure of the database is told with the variable that leads to it', async () => {
  const { chain } = await noisyChain(2, 3)
  const db = await freshDatabase()
  const { log, lines } = recordingLogger()
  const indexer = await followWith(chain, db, { log, pollMs: 200 })
  await indexer.caughtUp()
  const { pool } = db
  const query = pool.query.bind(pool)
  const connect = pool.connect.bind(pool)
  const gone = () => Promise.reject(Object.assign(new Error(''), { code: 'ECONNREFUSED' }))
  Object.assign(pool, { query: gone, connect: gone })
  await chain.send(1, 'GOpen', 'deposit', [], 1n)
  await until('it says so', () => indexer.status().state === 'retrying')
  Object.assign(pool, { query, connect })
  await indexer.caughtUp(await chain.head())
  expect(lines('A round failed; retrying')[0]?.details.problem).toMatch(
    /^DATABASE_URL: the database failed \(ECONNREFUSED\). .* start it, or correct the URL/,
  )
})

test('connections that PostgreSQL terminates, including the lock’s, only cost a moment', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const db = await freshDatabase()
  const indexer = await follow(chain, db)
  const next = seededInts(31)
  for (let i = 0; i < 4; i++) {
    await indexer.caughtUp()
    await db
      .query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      )
      .catch(() => {})
    for (let j = 0; j < 3; j++) await noise(chain, next)
  }
  await indexer.caughtUp()
  await expectClean(chain, db)
})

test.each([
  ['statement_timeout', 'statement timeout'],
  ['lock_timeout', 'lock timeout'],
])('where the server has a %s, an indexer that a lock holds up tries again', async (setting, problem) => {
  const { chain } = await noisyChain(2, 3)
  const other = await freshDatabase()
  await other.query(`alter database "${new URL(other.url).pathname.slice(1)}" set ${setting} = '2s'`)
  const db = await openDatabase(other.url)
  onTestFinished(() => db.close())
  const indexer = await follow(chain, db)
  await indexer.caughtUp()
  await other.transaction(async (sql) => {
    await sql.query('lock table holder in access exclusive mode')
    await chain.send(1, 'GOpen', 'deposit', [], 1n)
    await until('it is held up', () => indexer.status().state === 'retrying')
    expect(indexer.status().problem).toContain(problem)
  })
  await indexer.caughtUp()
  await expectClean(chain, other)
})
