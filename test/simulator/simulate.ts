import { setTimeout as sleep } from 'node:timers/promises'
import { type Indexer, startIndexer } from '#indexer/index.ts'
import { difference } from '#indexer/test/compare.ts'
import type { Database } from '#schema/database.ts'
import { tables } from '#schema/entities.ts'
import { CHAIN_ID, SimulatedChain } from './chain.ts'
import { ADDRESSES } from './events.ts'
import { SimulatedNode } from './node.ts'
import { seeded } from './random.ts'

const CONFIRMATIONS = 16
const STEPS = 30
/** How long the indexer may take to catch up with a lying node before the story goes on. */
const PATIENCE_MS = 3_000

/** One life of an indexer against a chain that forks and a node that errs, while the indexer is stopped at any moment and its
 *  database connections are cut. @returns the rows in which it differs at the end from a clean sync: none. */
export async function simulate(seed: number, subject: Database, clean: Database): Promise<string[]> {
  const random = seeded(seed)
  const chain = new SimulatedChain(random, CONFIRMATIONS)
  const node = new SimulatedNode(chain, seeded(seed + 1))
  const rpcUrl = await node.start()
  try {
    for (const db of [subject, clean]) await empty(db)
    chain.mine(1 + random(40))
    let life = await begin(subject, rpcUrl)
    for (let step = 0; step < STEPS; step++) {
      const what = random(13)
      if (what >= 10) await Promise.race([life.indexer.caughtUp().catch(() => {}), sleep(PATIENCE_MS)])
      else if (what < 5) chain.mine(1 + random(4))
      else if (what < 8) chain.fork(1 + random(CONFIRMATIONS - 1))
      else if (what < 9) {
        await life.end()
        life = await begin(subject, rpcUrl)
      } else await cutConnections(subject)
      await sleep(random(25))
    }
    node.honest = true
    await life.indexer.caughtUp()
    await life.end()
    const other = await begin(clean, rpcUrl)
    await other.indexer.caughtUp()
    await other.end()
    return await difference(subject, clean)
  } finally {
    await node.stop()
  }
}

async function begin(db: Database, rpcUrl: string): Promise<{ indexer: Indexer; end(): Promise<void> }> {
  for (;;) {
    const stop = new AbortController()
    const deployment = { chainId: CHAIN_ID, startBlock: 1, addresses: ADDRESSES }
    const options = { db, rpcUrl, deployment, confirmations: CONFIRMATIONS, pollMs: 5, signal: stop.signal }
    try {
      const indexer = await startIndexer(options)
      const end = async () => {
        stop.abort()
        await indexer.stopped
      }
      return { indexer, end }
    } catch (error) {
      if (!/RPC|connection|block/i.test(String(error))) throw error // the node lied at the start: start again
    }
  }
}

const empty = (db: Database) => db.query(`truncate ${tables.map(({ table }) => `"${table}"`).join(', ')}`)

const cutConnections = (db: Database) =>
  db
    .query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    .catch(() => {})
