import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWorld, type World } from '#contracts/test/world.ts'
import { until } from '#indexer/test/follow.ts'
import { Cursor } from '#schema/onchain/chain.ts'
import { freshDatabase } from '#test/database.ts'
import { insert } from '#test/factory.ts'
import { waitUntilFinal, waitUntilIndexed } from './finality.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

/** A job that waits, while an indexer has not stored anything yet. */
async function waiting() {
  const db = await freshDatabase()
  const { client, deployment } = world
  const { chainId } = deployment
  const at = { id: String(chainId), hash: `0x${'00'.repeat(32)}`, headBlock: 0, contracts: {} }
  await insert(db, Cursor, { ...at, block: 0, finalBlock: 0 })
  const job = { db, chain: { chainId, client: client as never }, signal: new AbortController().signal }
  const index = (block: number) => db.query('update cursor set block = $1, final_block = $1', [block])
  const heightOf = async (blockTag: 'latest' | 'finalized') => Number((await client.getBlock({ blockTag })).number)
  return { job, index, heightOf }
}

test.each([
  ['final', 'finalized', waitUntilFinal],
  ['indexed', 'latest', waitUntilIndexed],
] as const)(
  'blocks that a killed development chain has lost are mined again before they are %s',
  async (_, tag, wait) => {
    const { job, index, heightOf } = await waiting()
    const lost = await world.snapshot()
    await world.mine(5)
    const block = await heightOf('latest')
    const waited = wait(job, block)
    await until('the block is there', async () => (await heightOf(tag)) >= block)
    await world.revert(lost)
    await until('the block is there again', async () => (await heightOf(tag)) >= block)
    await index(block)
    await waited
    expect(await heightOf(tag)).toBeGreaterThanOrEqual(block)
  },
)
