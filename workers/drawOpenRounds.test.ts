import { zeroHash } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openRound } from '#contracts/test/judge.ts'
import { mandate, version } from '#contracts/test/mandate.ts'
import { ALICE, ETHER, GENESIS, OPERATOR, STRANGER, startWorld, type World } from '#contracts/test/world.ts'
import type { Database } from '#schema/database.ts'
import { FeedbackRound } from '#schema/onchain/feedback.ts'
import { freshDatabase } from '#test/database.ts'
import { insert } from '#test/factory.ts'
import type { ChainClient } from './chain.ts'
import { drawOpenRounds } from './drawOpenRounds.ts'
import { silent } from './test/testWorker.ts'
import { openWorldClient } from './test/worldClient.ts'

let world: World
let modelId: bigint
let versionId: bigint
let db: Database
beforeAll(async () => {
  world = await startWorld()
  modelId = await mandate(world)
  versionId = await version(world, modelId, OPERATOR.address)
  await world.send(ALICE, 'GOpen', 'approve', [world.at.FeedbackPool, 10n * ETHER])
  await world.send(ALICE, 'FeedbackPool', 'stake', [10n * ETHER])
})
afterAll(() => world?.anvil.stop())
beforeEach(async () => {
  db = await freshDatabase()
})

const openWorker = (): Promise<ChainClient> => openWorldClient(world, OPERATOR, db)

/** Opens a round, as the index knows it. */
async function opened(over: Partial<FeedbackRound> = {}): Promise<bigint> {
  await openRound(world, modelId, versionId)
  const roundId = await world.read('FeedbackPool', 'roundCount', [])
  const { commitDeadline } = await world.read('FeedbackPool', 'getRound', [roundId])
  await insert(db, FeedbackRound, {
    ...{ id: String(roundId), seed: null, settled: false, commitDeadline: new Date(Number(commitDeadline) * 1000) },
    ...over,
  })
  return roundId
}

const roundOf = (roundId: bigint) => world.read('FeedbackPool', 'getRound', [roundId])
const sent = async () => (await db.query(`select id from chain_transaction order by id`)).rows.map(({ id }) => id)

test('a round to which nobody commits gets its seats by the block that was fixed at its opening, by one transaction of two workers', async () => {
  const roundId = await opened()
  await world.mine()
  const workers = [await openWorker(), await openWorker()]
  await Promise.all(workers.map((chain) => drawOpenRounds({ db, chain, log: silent })))
  const { seed, seedBlock } = await roundOf(roundId)
  expect(seed).toBe((await world.client.getBlock({ blockNumber: BigInt(seedBlock) })).hash)
  expect(await sent()).toEqual([`seats:${roundId}:${seedBlock}`])
  await drawOpenRounds({ db, chain: await openWorker(), log: silent }) // the index is behind: it does not know the seed yet
  expect(await sent()).toHaveLength(1)
})

test('while the block of the seed is the newest or does not exist, and after the commit phase, nothing is sent', async () => {
  const chain = await openWorker()
  await opened({ commitDeadline: new Date((await world.now()) * 1000 - 1) })
  await world.mine()
  await opened()
  await drawOpenRounds({ db, chain, log: silent })
  expect(await sent()).toEqual([])
})

test('where all workers were away for 256 blocks, a later block is named, and the next call draws by that one', async () => {
  const roundId = await opened({ commitDeadline: new Date((GENESIS + 1_000_000) * 1000) })
  const { seedBlock: lost } = await roundOf(roundId)
  await world.mine(300)
  const chain = await openWorker()
  await drawOpenRounds({ db, chain, log: silent })
  const { seed, seedBlock } = await roundOf(roundId)
  expect(seed).toBe(zeroHash)
  expect(seedBlock).toBeGreaterThan(lost + 256)
  await drawOpenRounds({ db, chain, log: silent }) // the block does not exist yet
  expect(await sent()).toHaveLength(1)
  await world.mine(2)
  await drawOpenRounds({ db, chain, log: silent })
  expect((await roundOf(roundId)).seed).toBe((await world.client.getBlock({ blockNumber: BigInt(seedBlock) })).hash)
})

test('a round that was drawn between reading and sending is no error', async () => {
  const roundId = await opened()
  await world.mine()
  const chain = await openWorker()
  const overtaken: ChainClient = {
    ...chain,
    async transact(key, call, options) {
      await world.send(STRANGER, 'FeedbackPool', 'drawSeats', [roundId])
      return chain.transact(key, call, options)
    },
  }
  await drawOpenRounds({ db, chain: overtaken, log: silent })
  expect((await roundOf(roundId)).seed).not.toBe(zeroHash)
})
