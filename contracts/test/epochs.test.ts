import type { Hex } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import { MAX_PENDING_MAPS } from '../settings.ts'
import { MAX_TRANSACTION_GAS } from './gas.ts'
import { fundEpoch, mineUntil, publicationOf } from './publication.ts'
import { restoreWorld } from './restoreWorld.ts'
import { ALICE, BOB, CAROL, HOLDER, hashOf, OPERATOR, SETTINGS, STRANGER, startWorld, type World } from './world.ts'

const LENGTH = BigInt(SETTINGS.epochLength)
const BOND = SETTINGS.publisherBond

let world: World
beforeAll(async () => {
  world = await startWorld()
})
restoreWorld(() => world)

/** Funds in exactly that block. @returns the arguments of the event */
async function fundAt(block: bigint, amount = 1n) {
  await mineUntil(world, block)
  const sent = await world.send(HOLDER, 'RewardDistributor', 'fund', [amount])
  expect(sent.block).toBe(block)
  return sent.events[0]?.args
}

/** The first block of the next period. */
async function nextPeriod(): Promise<bigint> {
  const first = await world.read('RewardDistributor', 'firstBlock', [])
  return first + (((await world.client.getBlockNumber()) - first + LENGTH) / LENGTH) * LENGTH
}

const publish = async (epoch: bigint, from = OPERATOR, root: Hex = hashOf('root'), total = 1n) =>
  world.send(from, 'RewardDistributor', 'publish', await publicationOf(world, epoch, root, total))
const publishError = async (epoch: bigint, from = STRANGER) =>
  world.errorOf(from, 'RewardDistributor', 'publish', await publicationOf(world, epoch, hashOf('root'), 1n))
const returnError = async (epoch: bigint) => (await world.errorOf(BOB, 'RewardDistributor', 'returnBond', [epoch])).name
const cancel = async (epoch: bigint) => {
  const disputes = await world.impersonate(world.at.Disputes)
  return world.send(disputes, 'RewardDistributor', 'cancel', [epoch])
}

describe('an epoch', () => {
  test('ends with the period in which fees arrive, from its first block to its last; empty periods are in the next epoch', async () => {
    const start = await nextPeriod()
    const from = HOLDER.address.toLowerCase()
    const args = (epoch: bigint, toBlock: bigint) => ({ epoch, from, amount: 1n, toBlock })
    expect(await fundAt(start)).toEqual(args(1n, start + LENGTH - 1n))
    expect(await fundAt(start + LENGTH - 1n)).toEqual(args(1n, start + LENGTH - 1n))
    expect(await fundAt(start + LENGTH)).toEqual(args(2n, start + 2n * LENGTH - 1n))
    expect(await fundAt(start + 5n * LENGTH - 1n)).toEqual(args(3n, start + 5n * LENGTH - 1n))
    await mineUntil(world, start + 5n * LENGTH)
    const ranges = []
    for (const epoch of [1n, 2n, 3n]) {
      const { events } = await publish(epoch)
      const map = events.find((one) => one.name === 'RewardMapPublished')
      if (map?.name === 'RewardMapPublished') ranges.push([map.args.fromBlock, map.args.toBlock])
    }
    expect(ranges).toEqual([
      [await world.read('RewardDistributor', 'firstBlock', []), start + LENGTH - 1n],
      [start + LENGTH, start + 2n * LENGTH - 1n],
      [start + 2n * LENGTH, start + 5n * LENGTH - 1n],
    ])
    expect(await world.read('RewardDistributor', 'funded', [1n])).toBe(2n)
  })

  test('takes no more fees once its map may be published, and none of zero', async () => {
    expect((await world.errorOf(HOLDER, 'RewardDistributor', 'fund', [0n])).name).toBe('RewardDistributor.ZeroAmount')
    const start = await nextPeriod()
    await fundAt(start)
    await mineUntil(world, start + LENGTH)
    await publish(1n)
    expect(await fundAt(start + LENGTH + 1n)).toMatchObject({ epoch: 2n })
    expect(await world.read('RewardDistributor', 'funded', [1n])).toBe(1n)
  })

  test('is published from the block after its last one on, whoever publishes it', async () => {
    const start = await nextPeriod()
    await fundAt(start)
    const last = start + LENGTH - 1n
    await mineUntil(world, last)
    for (const from of [OPERATOR, STRANGER])
      expect(await publishError(1n, from)).toEqual({ name: 'RewardDistributor.EpochRunning', args: [1n, last] })
    await mineUntil(world, last + 1n)
    expect((await publishError(1n, OPERATOR)).name).toBe('none')
    const wrong = await publicationOf(world, 1n, hashOf('root'), 1n, { blockHash: hashOf('fork') })
    expect((await world.errorOf(OPERATOR, 'RewardDistributor', 'publish', wrong)).name).toBe(
      'RewardDistributor.WrongBlockHash',
    )
  })
})

describe('a silent publisher', () => {
  test('has one period; from the next block on anyone publishes with a bond, which comes back when the map is final', async () => {
    const epoch = await fundEpoch(world, 5n)
    const until = (await world.read('RewardDistributor', 'endOf', [epoch])) + LENGTH
    await mineUntil(world, until)
    expect(await publishError(epoch)).toEqual({ name: 'RewardDistributor.PublishersTurn', args: [epoch, until] })
    await mineUntil(world, until + 1n)
    const before = await world.balance(STRANGER.address)
    const { events } = await publish(epoch, STRANGER)
    expect(events.map(({ name }) => name)).toEqual(['RewardMapPublished', 'BondHeld', 'Transfer'])
    expect(before - (await world.balance(STRANGER.address))).toBe(BOND)
    expect(await returnError(epoch)).toBe('RewardDistributor.NotFinal')
    await world.warp(SETTINGS.challengeWindow)
    await world.send(BOB, 'RewardDistributor', 'returnBond', [epoch])
    expect(await world.balance(STRANGER.address)).toBe(before)
    expect(await returnError(epoch)).toBe('RewardDistributor.NoBond')
    for (const other of [0n, epoch + 1n]) expect(await returnError(other)).toBe('RewardDistributor.NotFinal')
  })

  test('publishes without a bond whenever it comes back', async () => {
    const epoch = await fundEpoch(world, 5n)
    await mineUntil(world, (await world.client.getBlockNumber()) + 5n * LENGTH)
    const { events } = await publish(epoch)
    expect(events.map(({ name }) => name)).toEqual(['RewardMapPublished'])
    await world.warp(SETTINGS.challengeWindow)
    expect(await returnError(epoch)).toBe('RewardDistributor.NoBond')
  })

  test('delays nobody more than once: strangers publish at once every epoch that it left', async () => {
    for (let i = 0; i < 3; i++) await fundEpoch(world, 5n)
    await mineUntil(world, (await world.client.getBlockNumber()) + LENGTH + 2n)
    for (const epoch of [1n, 2n, 3n]) await publish(epoch, epoch === 2n ? BOB : STRANGER)
    expect(await world.read('RewardDistributor', 'lastEpoch', [])).toBe(3n)
  })

  test('is not silent while it publishes, however late: each of its maps gives it a period for the next', async () => {
    for (let i = 0; i < 2; i++) await fundEpoch(world, 5n)
    await mineUntil(world, (await world.client.getBlockNumber()) + 3n * LENGTH)
    const { block } = await publish(1n)
    await mineUntil(world, block + LENGTH)
    expect(await publishError(2n)).toEqual({ name: 'RewardDistributor.PublishersTurn', args: [2n, block + LENGTH] })
    await mineUntil(world, block + LENGTH + 1n)
    expect((await publishError(2n)).name).toBe('none')
  })
})

describe('a bond', () => {
  test('of a cancelled map goes to the treasury; bonds of later maps go back; and the publishers have a new turn', async () => {
    for (let i = 0; i < 4; i++) await fundEpoch(world, 5n)
    await mineUntil(world, (await world.client.getBlockNumber()) + LENGTH + 1n)
    const people = [ALICE, BOB, CAROL]
    const before = await Promise.all(people.map(({ address }) => world.balance(address)))
    for (const [i, one] of people.entries()) await publish(BigInt(i + 1), one)
    await publish(4n)
    const treasury = await world.balance(world.at.Treasury)
    const { events, block } = await cancel(2n)
    expect(events.filter(({ name }) => name === 'BondReleased').map(({ args }) => args)).toEqual([
      { epoch: 3n, to: CAROL.address.toLowerCase(), amount: BOND },
      { epoch: 2n, to: world.at.Treasury.toLowerCase(), amount: BOND },
    ])
    const after = await Promise.all(people.map(({ address }) => world.balance(address)))
    expect(after.map((balance, i) => balance - (before[i] ?? 0n))).toEqual([-BOND, -BOND, 0n])
    expect((await world.balance(world.at.Treasury)) - treasury).toBe(BOND)
    await mineUntil(world, block + LENGTH)
    expect(await publishError(2n)).toEqual({ name: 'RewardDistributor.PublishersTurn', args: [2n, block + LENGTH] })
    expect((await publishError(2n, OPERATOR)).name).toBe('none')
    await mineUntil(world, block + LENGTH + 1n)
    expect((await publishError(2n)).name).toBe('none')
    await world.warp(SETTINGS.challengeWindow)
    expect(await returnError(2n)).toBe('RewardDistributor.NotFinal')
    await world.send(ALICE, 'RewardDistributor', 'returnBond', [1n])
    expect(await world.balance(ALICE.address)).toBe(before[0])
  })

  test('cannot be saved by a dispute of one’s own: an upheld one costs it, and it is never returned while a dispute is open', async () => {
    const epoch = await fundEpoch(world, 5n)
    await mineUntil(world, (await world.client.getBlockNumber()) + LENGTH + 1n)
    const before = await world.balance(STRANGER.address)
    await publish(epoch, STRANGER)
    await world.send(STRANGER, 'Disputes', 'open', [3, epoch, hashOf('evidence')])
    await world.warp(10 * SETTINGS.challengeWindow)
    expect(await returnError(epoch)).toBe('RewardDistributor.NotFinal')
    const timelock = await world.impersonate(world.at.TimelockController)
    await world.send(timelock, 'Disputes', 'resolve', [1n, true, 0n])
    expect(before - (await world.balance(STRANGER.address))).toBe(BOND)
  })
})

test('as many maps as may wait for finality are cancelled, and become final, in one transaction', async () => {
  const crowded = await startWorld({ epochLength: 1, publisherBond: 1n, challengeWindow: 1_000_000 })
  try {
    const most = await crowded.read('RewardDistributor', 'MAX_PENDING', [])
    expect(most).toBe(BigInt(MAX_PENDING_MAPS))
    const fund = () => crowded.send(HOLDER, 'RewardDistributor', 'fund', [1n])
    const publishNext = async (epoch: bigint) =>
      crowded.send(STRANGER, 'RewardDistributor', 'publish', await publicationOf(crowded, epoch, hashOf('root'), 1n))
    for (let i = 0n; i <= most; i++) await fund()
    await crowded.mine(2)
    for (let epoch = 1n; epoch <= most; epoch++) await publishNext(epoch)
    const refused = await publicationOf(crowded, most + 1n, hashOf('root'), 1n)
    expect(await crowded.errorOf(STRANGER, 'RewardDistributor', 'publish', refused)).toEqual({
      name: 'RewardDistributor.TooManyPending',
      args: [most + 1n, 0n],
    })
    const before = await crowded.snapshot()
    await crowded.send(BOB, 'Disputes', 'open', [3, 1n, hashOf('evidence')])
    const timelock = await crowded.impersonate(crowded.at.TimelockController)
    const cancelled = await crowded.send(timelock, 'Disputes', 'resolve', [1n, true, 0n])
    expect(cancelled.events.filter(({ name }) => name === 'RewardMapCancelled')).toHaveLength(Number(most))
    expect(cancelled.gasUsed).toBeLessThan(MAX_TRANSACTION_GAS / 2n)
    await crowded.revert(before)
    await crowded.warp(1_000_000)
    const next = await publishNext(most + 1n)
    expect(next.gasUsed).toBeLessThan(MAX_TRANSACTION_GAS / 2n)
    expect(await crowded.read('RewardDistributor', 'finalEpoch', [])).toBe(most)
  } finally {
    await crowded.anvil.stop()
  }
}, 600_000)
