import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { Database } from '#schema/database.ts'
import { listenNotifications, type Notification } from '#schema/notifications.ts'
import { freshDatabase } from '#test/database.ts'
import type { IndexerOptions } from '../index.ts'
import { type TestChain, testChain } from '../test/chain.ts'
import { expectClean, follow as followWith, until } from '../test/follow.ts'
import { openMarket } from '../test/market.ts'
import { expectMarket, expectRewardMaps } from '../test/marketOracle.ts'
import { marketNoise, noise, prepareNoise, seededInts } from '../test/noise.ts'
import { present } from '../test/present.ts'
import { playToVersions, STORY_SETTINGS } from '../test/story.ts'

const CONFIRMATIONS = 64

const follow = (chain: TestChain, db: Database, options: Partial<IndexerOptions> = {}) =>
  followWith(chain, db, { confirmations: CONFIRMATIONS, ...options })

test('reorganisations of every depth up to 20, with other transactions, leave the rows of a clean sync', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const db = await freshDatabase()
  const indexer = await follow(chain, db)
  const next = seededInts(7)
  for (let i = 0; i < 30; i++) await noise(chain, next)
  for (const [round, depth] of [1, 2, 3, 1, 5, 8, 13, 20].entries()) {
    if (round % 3) await indexer.caughtUp()
    await chain.call('anvil_reorg', depth, [])
    for (let i = next(4); i > 0; i--) await noise(chain, next)
    for (let i = 0; i < depth + 2; i++) await noise(chain, next)
    if (round === 4) {
      await indexer.caughtUp()
      await expectClean(chain, db)
    }
  }
  await indexer.caughtUp()
  await expectClean(chain, db)
  expect(indexer.status().counters.reorganisations).toBeGreaterThan(4)
})

test('reorganisations of channels, redemptions and epochs leave the rows of a clean sync, which the contracts confirm', async () => {
  const chain = await testChain(STORY_SETTINGS)
  await playToVersions(chain)
  const channels = await openMarket(chain)
  const db = await freshDatabase()
  const indexer = await follow(chain, db)
  const next = seededInts(5)
  for (let i = 0; i < 25; i++) await marketNoise(chain, next, channels)
  for (const depth of [2, 9, 1, 17, 4]) {
    if (depth % 2) await indexer.caughtUp()
    await chain.call('anvil_reorg', depth, [])
    for (let i = 0; i < depth + 3; i++) await marketNoise(chain, next, channels)
  }
  await indexer.caughtUp()
  await expectClean(chain, db)
  await expectMarket(chain, db)
  await expectRewardMaps(chain, db)
  for (const table of ['payment_channel', 'redemption', 'failed_redemption', 'reward_map'])
    expect((await present(db, table)).length, table).toBeGreaterThan(1)
  expect(indexer.status().counters.reorganisations).toBeGreaterThan(2)
})

test.each([
  ['HTTP', (url: string) => ({ rpcUrl: url })],
  ['WebSocket', (url: string) => ({ rpcUrl: url.replace('http', 'ws'), pollMs: 60_000 })],
])(
  'over %s a reorganisation at the same height is seen without another block, and told to subscribers',
  async (_, way) => {
    const chain = await testChain()
    await prepareNoise(chain)
    const db = await freshDatabase()
    const notifications: Notification[] = []
    const stopListening = await listenNotifications(db, (notification) => notifications.push(notification))
    onTestFinished(stopListening)
    const indexer = await follow(chain, db, way(chain.url))
    await indexer.caughtUp()
    const head = await chain.head()
    await chain.send(1, 'GOpen', 'deposit', [], 7n)
    await chain.call('anvil_reorg', 1, [])
    await chain.call('anvil_reorg', 3, [])
    expect(await chain.head()).toBe(head + 1)
    const { hash } = (await chain.call('eth_getBlockByNumber', 'latest', false)) as { hash: string }
    await until('the indexer has seen it by itself', () => indexer.status().hash === hash)
    await expectClean(chain, db)
    await until('the subscriber has received the last block', () => {
      const last = notifications.at(-1)
      return last?.type === 'blocks' && last.to === head + 1
    })
    expect(notifications.some(({ type }) => type === 'retracted')).toBe(true)
  },
)

test('when a chain is reset to a shorter one, its rows go at once, and the rows of the new blocks are added', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const db = await freshDatabase()
  const indexer = await follow(chain, db)
  const next = seededInts(11)
  const snapshot = await chain.call('evm_snapshot')
  for (let i = 0; i < 12; i++) await noise(chain, next)
  await indexer.caughtUp()
  await chain.call('evm_revert', snapshot)
  while (indexer.status().block !== (await chain.head())) await sleep(10)
  await expectClean(chain, db)
  for (let i = 0; i < 20; i++) await noise(chain, next)
  await indexer.caughtUp()
  await expectClean(chain, db)
})

test('a reorganisation while the indexer is stopped is found at its next start', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const db = await freshDatabase()
  const next = seededInts(3)
  for (let i = 0; i < 9; i++) await noise(chain, next)
  const first = await follow(chain, db)
  await first.caughtUp()
  await first.stop()
  await chain.call('anvil_reorg', 9, [])
  for (let i = 0; i < 4; i++) await noise(chain, next)
  const second = await follow(chain, db)
  await second.caughtUp()
  await expectClean(chain, db)
})

test('a final block that disappears stops the indexer with instructions; with the rewind option, it rolls back', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { confirmations: 2 })
  await indexer.caughtUp()
  const before = indexer.status()
  await chain.call('anvil_reorg', 8, [])
  await expect(indexer.stopped).rejects.toThrow(/was final here: the last common block is \d+.*rewind/)
  await expect(indexer.caughtUp()).rejects.toThrow('was final here')
  const { rows } = await db.query('select block, hash from cursor')
  expect(rows).toEqual([{ block: before.block, hash: before.hash }])
  const repaired = await follow(chain, db, { confirmations: 2, deepReorganisation: 'rewind' })
  await repaired.caughtUp()
  await expectClean(chain, db)
})

test('waiting for rows rejects when the indexer is stopped, before or afterwards', async () => {
  const chain = await testChain()
  const stop = new AbortController()
  const indexer = await follow(chain, await freshDatabase(), { signal: stop.signal })
  await indexer.caughtUp()
  const waiting = [indexer.caughtUp(1_000_000), indexer.caughtUp()]
  stop.abort(new Error('enough'))
  const asked = indexer.caughtUp()
  await indexer.stopped
  const answers = await Promise.allSettled([...waiting, asked, indexer.caughtUp(), indexer.caughtUp(1)])
  for (const answer of answers)
    expect(answer).toMatchObject({ reason: { name: 'IndexerError', message: 'The indexer was stopped' } })
})

test('blocks become final as the chain grows, and only then', async () => {
  const chain = await testChain()
  await prepareNoise(chain)
  const db = await freshDatabase()
  const indexer = await follow(chain, db, { confirmations: 5 })
  for (let i = 0; i < 12; i++) {
    await chain.wait(1)
    if (i % 2) await indexer.caughtUp()
  }
  await indexer.caughtUp()
  const head = await chain.head()
  expect(indexer.status().finalBlock).toBe(head - 5)
  const { rows } = await db.query('select number from block where final <> (number <= $1)', [head - 5])
  expect(rows).toEqual([])
})
