import { Registry } from 'prom-client'
import { expect, onTestFinished, test, vi } from 'vitest'
import { testApi } from '#graphql/test/api.ts'
import { faultyNode } from '#indexer/test/faultyNode.ts'
import { follow } from '#indexer/test/follow.ts'
import { noisyChain } from '#indexer/test/noise.ts'
import { openDatabase } from '#schema/database.ts'
import { freshDatabase } from '#test/database.ts'
import { openChainHead } from './chainHead.ts'
import { addIndexHealth } from './indexHealthMetrics.ts'
import { openProcessMetrics } from './processMetrics.ts'
import { addSystemMetrics } from './systemMetrics.ts'

/** An index that was followed up to the head, and an API that has a node of its own. */
async function running() {
  const { chain } = await noisyChain(5, 61)
  const db = await freshDatabase()
  const indexer = await follow(chain, db)
  await indexer.caughtUp()
  const node = await faultyNode(chain.url)
  const close = new AbortController()
  onTestFinished(() => close.abort())
  const chainHead = openChainHead(node.url, close.signal)
  const registry = new Registry()
  const { chainId, addresses } = chain.deployment
  addIndexHealth(registry, { db, chainId, chainHead })
  addSystemMetrics(registry, db)
  const api = await testApi({ db, chainHead, maxLagBlocks: 100, deployment: { chainId, addresses } })
  const ready = async () => {
    const response = await fetch(`${api.url}/readyz`)
    return { code: response.status, ...((await response.json()) as object) }
  }
  const metric = async (name: string) => {
    const shown = new RegExp(`^modelcommons_${name}{chain="31337"} (\\S+)$`, 'm').exec(await registry.metrics())
    return Number(shown?.[1])
  }
  return { chain, db, indexer, node, ready, metric, ask: api.ask }
}

const WITHIN = { timeout: 15_000, interval: 200 }

test('when the indexer stops and the chain goes on, the API measures the lag itself and is not ready', async () => {
  const { chain, indexer, ready, metric, ask } = await running()
  expect(await ready()).toMatchObject({ code: 200, ready: true, status: 'ok', lag: 0 })
  const { block } = indexer.status()
  await indexer.stop()
  await chain.call('anvil_mine', '0x96') // 150
  await vi.waitFor(async () => expect(await ready()).toMatchObject({ lag: 150 }), WITHIN)
  expect(await ready()).toMatchObject({
    code: 503,
    ready: false,
    status: 'unavailable',
    block,
    headBlock: block + 150,
    reason: 'The index is 150 blocks behind the chain. See the indexer’s log.',
  })
  expect(await metric('index_lag_blocks')).toBe(150)
  expect(await metric('index_head_block')).toBe(block + 150)
  const { data } = await ask('{ _meta { block headBlock } }')
  expect(data._meta).toEqual({ block, headBlock: block + 150 })
})

test('a silent indexer and a node that does not answer are told, but the API answers queries on', async () => {
  const { db, node, indexer, ready, metric } = await running()
  await indexer.stop()
  await db.query(`update indexer_lease set renewed_at = now() - interval '70 seconds'`)
  expect(await ready()).toMatchObject({
    code: 200,
    ready: true,
    status: 'degraded',
    indexerSilentSeconds: expect.any(Number),
    reason: expect.stringMatching(
      /^No indexer has been heard of for 7\d s: the index stands still. Start `modelcommons index`/,
    ),
  })
  expect(await metric('indexer_silent_seconds')).toBeGreaterThanOrEqual(70)
  await db.query('update indexer_lease set renewed_at = now()')
  await node.down()
  const lag = 0 // what the indexer last knew
  await vi.waitFor(async () => expect(await ready()).toMatchObject({ code: 200, status: 'degraded', lag }), WITHIN)
  expect(await ready()).toMatchObject({
    reason: expect.stringMatching(/^RPC_URL: no node tells the head of the chain/),
  })
  await node.up()
  await vi.waitFor(async () => expect(await ready()).toMatchObject({ code: 200, status: 'ok' }), WITHIN)
})

test('while the database is away, the other metrics are still shown', async () => {
  const { url } = await freshDatabase()
  const db = await openDatabase(url)
  await db.close()
  const registry = openProcessMetrics({ home: '.' })
  addIndexHealth(registry, { db, chainId: 1 })
  const shown = await registry.metrics()
  expect(shown).toMatch(/^modelcommons_disk_free_bytes \d/m)
  expect(shown).not.toMatch(/^modelcommons_index_lag_blocks\{/m)
})
