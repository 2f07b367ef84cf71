import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from 'viem'
import { expect, test } from 'vitest'
import { ETHER, STRANGER } from '#contracts/test/world.ts'
import { checkEpoch } from '#epochs/checkEpoch.ts'
import { blockHashes } from '#epochs/epochSources.ts'
import { until } from '#indexer/test/follow.ts'
import type { Database } from '#schema/database.ts'
import { getDocument } from '#schema/documents.ts'
import { enqueue, findJob } from '#schema/enqueue.ts'
import { rewardMapDocument } from '#schema/rewardMapDocument.ts'
import { usageDocument } from '#schema/usageDocument.ts'
import { answeringSystem, FEE } from '#test/answeringSystem.ts'
import { freshDatabase } from '#test/database.ts'
import type { ChainClient } from '../chain.ts'

type TestSystem = Awaited<ReturnType<typeof answeringSystem>>

const sourcesOf = ({ store, world }: TestSystem, sql: Database) => ({
  sql,
  artifacts: store,
  deployment: world.deployment,
  blockHash: blockHashes(world.client),
})

const mapOf = ({ store }: TestSystem, uri: unknown) => getDocument(store, rewardMapDocument, String(uri))

test('an epoch that a stranger funds pays nobody and stops no other; fees of the next period wait for the next epoch', async () => {
  const system = await answeringSystem()
  const { serving, world, grant, redeemed } = system
  const db = await freshDatabase()
  await serving(db, async ({ answer, settle, redeem }) => {
    await grant(db)
    await expect(settle(1, 'early')).rejects.toThrow(/NOTHING_TO_SETTLE No fees have arrived since the last epoch/)
    await world.send(STRANGER, 'RewardDistributor', 'fund', [1n])
    await world.mine(10)
    await answer('one')
    await redeem('first') // in the period after that of the stranger
    await world.mine(10)
    await answer('two')
    await redeem('second')
    await world.mine(10)
    await expect(settle(3, 'too early')).rejects.toThrow(/NOT_YET Epochs are settled in order: the next one is 1/)
    await expect(settle(1)).resolves.toMatchObject({ total: '0', accounts: 0, receipts: 0 })
    await answer('three')
    const second = await settle(2)
    expect(second).toMatchObject({ receipts: 1 })
    expect(BigInt(String(second.total))).toBeGreaterThan(0n)
    const third = await settle(3)
    expect(third).toMatchObject({ receipts: 1 })
    await expect(settle(4)).resolves.toMatchObject({ receipts: 1 })
    await expect(settle(5)).rejects.toThrow(/NOTHING_TO_SETTLE/)
    await expect(settle(2, 'again')).rejects.toThrow(/ALREADY_SETTLED Epoch 2 is published. The next one is 5/)

    expect(await redeemed()).toBe(3n * FEE)
    for (const epoch of [1, 2, 3, 4])
      expect(await checkEpoch(sourcesOf(system, db), epoch)).toMatchObject({ epoch, difference: null })
    const { usage } = await mapOf(system, second.uri)
    const documents = await Promise.all(usage.map(({ document }) => getDocument(system.store, usageDocument, document)))
    expect(documents).toMatchObject([{ epoch: 2, receipts: [{ prompt: 'one', fee: String(FEE) }] }])
  })
})

test('a map in pages that was cancelled is published again, also when it is the same, and its lines are stored once', async () => {
  const system = await answeringSystem()
  const { serving, world, grant } = system
  Object.assign(world.deployment, { pageEntries: 1 })
  const db = await freshDatabase()
  await serving(db, async ({ answer, settle }) => {
    await grant(db)
    await answer('one')
    const first = await settle(1)
    const { leaves, lines } = await mapOf(system, first.uri)
    expect(leaves).toEqual({ pages: expect.any(Array) })
    const pages = Array.isArray(lines) ? [] : lines.pages
    expect(pages.length).toBeGreaterThan(1)
    const stored = async () => (await db.query('select id from reward_line where map_id = $1 order by id', ['1'])).rows
    expect(await stored()).toHaveLength(pages.length)
    await world.rpc('anvil_impersonateAccount', [world.at.Disputes])
    await world.rpc('anvil_setBalance', [world.at.Disputes, toHex(ETHER)])
    await world.send(world.at.Disputes, 'RewardDistributor', 'cancel', [1n])
    expect(await settle(1, 'again')).toMatchObject({ uri: first.uri, accounts: first.accounts })
    expect(await stored()).toHaveLength(pages.length)
    expect(await world.read('RewardDistributor', 'lastEpoch', [])).toBe(1n)
    expect(await checkEpoch(sourcesOf(system, db), 1)).toMatchObject({ difference: null })
  })
})

test('a map whose last block the chain replaced before it was published is computed and published again', async () => {
  const system = await answeringSystem()
  const { serving, grant } = system
  const db = await freshDatabase()
  let refused = 0
  /** The first map names the block of another branch. */
  const ofAnotherBranch = (chain: ChainClient): ChainClient => ({
    ...chain,
    transact: (key, call, ...rest) => {
      if (!key.startsWith('publish') || refused++ > 0) return chain.transact(key, call, ...rest)
      const [epoch, , ...others] = call.args as readonly unknown[]
      return chain.transact(key, { ...call, args: [epoch, toHex(1, { size: 32 }), ...others] } as never, ...rest)
    },
  })
  await serving(
    db,
    async ({ answer, settle }) => {
      await grant(db)
      await answer('one')
      await expect(settle(1)).resolves.toMatchObject({ epoch: 1, receipts: 1 })
      expect(await checkEpoch(sourcesOf(system, db), 1)).toMatchObject({ difference: null })
    },
    { through: ofAnotherBranch },
  )
  expect(refused).toBe(2)
})

test('an epoch that another attempt published meanwhile is settled once, with its lines', async () => {
  const system = await answeringSystem()
  const { serving, grant, world } = system
  const db = await freshDatabase()
  let published = 0
  /** The first time, another attempt publishes just before. */
  const publishedMeanwhile = (chain: ChainClient): ChainClient => ({
    ...chain,
    transact: async (key, ...rest) => {
      if (key.startsWith('publish') && published++ === 0) await chain.transact(`${key} of another attempt`, ...rest)
      return chain.transact(key, ...rest)
    },
  })
  await serving(
    db,
    async ({ answer, settle }) => {
      await grant(db)
      await answer('one')
      await expect(settle(1)).resolves.toMatchObject({ epoch: 1, receipts: 1 })
      expect(await world.read('RewardDistributor', 'lastEpoch', [])).toBe(1n)
      expect((await db.query('select 1 from reward_line where map_id = $1', ['1'])).rows).not.toEqual([])
    },
    { through: publishedMeanwhile },
  )
  expect(published).toBe(1)
})

test('answers that are not opened are in no document, and free ones settle nothing', async () => {
  const system = await answeringSystem()
  const { serving, grant } = system
  const db = await freshDatabase()
  await serving(db, async ({ answer, settle }) => {
    await grant(db)
    await answer('mine', { open: false })
    const settled = await settle(1)
    expect(settled).toMatchObject({ receipts: 1 })
    expect(BigInt(String(settled.total))).toBeGreaterThan(0n)
    expect((await mapOf(system, settled.uri)).usage).toEqual([])
  })
  const free = await answeringSystem({ price: 0n })
  const other = await freshDatabase()
  await free.serving(other, async ({ answer, settle, redeem }) => {
    await answer('free')
    await expect(redeem('nothing')).resolves.toEqual({ channels: 0, amount: '0', owed: '0', failed: [] })
    await expect(settle(1)).rejects.toThrow(/NOTHING_TO_SETTLE/)
    expect((await other.query('select channel_id, cumulative, epoch from receipt')).rows).toEqual([
      { channel_id: null, cumulative: 0n, epoch: null },
    ])
  })
})

test('a manifest that nobody has is waited for until 72 hours after the epoch, and is then absent', async () => {
  const system = await answeringSystem()
  const { serving, world, grant, manifestHash, home } = system
  const db = await freshDatabase()
  await serving(db, async ({ answer, ended }) => {
    await grant(db)
    await answer('one')
    await until('the answer is attributed', async () => {
      const { rows } = await db.query(`select 1 from job_run where kind = 'attribute' and finished_at is not null`)
      return rows.length === 1
    })
    const file = join(home, 'artifacts', manifestHash.slice(2, 4), manifestHash)
    await rename(file, `${file}.gone`)
    const { id } = await enqueue(
      { db, queues: { add: async () => {} } },
      'settleEpoch',
      { epoch: 1 },
      { key: 's', requestedBy: null },
    )
    const waiting = async () => (await findJob(db, id)).error?.message ?? ''
    await until('the job waits', async () => (await findJob(db, id)).waits > 10) // more often than for a service
    expect((await findJob(db, id)).error?.code ?? 'ARTIFACT_AWAITED').toBe('ARTIFACT_AWAITED')
    await until('it says why', async () => (await waiting()).includes(`Epoch 1 needs ${manifestHash}. Copy`))
    await world.warp(72 * 3600)
    const settled = await ended(id)
    expect(await mapOf(system, settled.uri)).toMatchObject({ absent: [manifestHash] })
    expect(await checkEpoch(sourcesOf(system, db), 1)).toMatchObject({ difference: null })
  })
})
