import fc from 'fast-check'
import type { Address } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RewardTree } from '#rules/merkle.ts'
import { must } from '#test/must.ts'
import { publicationOf, treeOf } from './publication.ts'
import { ALICE, BOB, CAROL, HOLDER, hashOf, OPERATOR, SETTINGS, STRANGER, startWorld, type World } from './world.ts'

const REWARD_MAP = 3
const LENGTH = BigInt(SETTINGS.epochLength)
const people = [ALICE.address, BOB.address, CAROL.address]

let world: World
let timelock: Address
beforeAll(async () => {
  world = await startWorld()
  timelock = await world.impersonate(world.at.TimelockController)
})
afterAll(() => world?.anvil.stop())

type PublishedMap = {
  grants: bigint[]
  payableSoFar: bigint
  publishedAt: number
  disputed: boolean
  tree: RewardTree
  /** Who published it with a bond that is not released yet. */
  bonded: Address | undefined
}

/** The contract's behaviour as a simple model. */
class Model {
  funded = 0n
  paid = 0n
  /** The last block of each epoch. */
  ends: bigint[] = []
  maps: PublishedMap[] = []
  lastChange: bigint

  constructor(readonly firstBlock: bigint) {
    this.lastChange = firstBlock
  }

  get bonds(): bigint {
    return SETTINGS.publisherBond * BigInt(this.maps.filter(({ bonded }) => bonded !== undefined).length)
  }

  fund(block: bigint, amount: bigint): void {
    this.funded += amount
    const period = (block - this.firstBlock) / LENGTH
    const toBlock = this.firstBlock + (period + 1n) * LENGTH - 1n
    if (this.ends.at(-1) !== toBlock) this.ends.push(toBlock)
  }

  /** Publications and claims record finality, and it does not change afterwards. */
  noticed = 0
  /** By epoch: until when its map is held after a rejected dispute. */
  heldUntil = new Map<number, number>()
  claimed = people.map(() => 0n)

  final(now: number): number {
    let count = this.noticed
    while (count < this.maps.length) {
      const { publishedAt, disputed } = must(this.maps[count])
      if (disputed || now < publishedAt + SETTINGS.challengeWindow || this.isHeld(count + 1, now)) break
      count++
    }
    return count
  }

  isHeld(epoch: number, now: number): boolean {
    return now < (this.heldUntil.get(epoch) ?? 0)
  }
}

type Step =
  | { kind: 'fund'; amount: bigint; blocks: number }
  | { kind: 'publish'; grants: bigint[]; share: number; byStranger: boolean }
  | { kind: 'mine'; blocks: number }
  | { kind: 'return'; back: number }
  | { kind: 'wait'; seconds: number }
  | { kind: 'dispute'; back: number }
  | { kind: 'resolve'; upheld: boolean }
  | { kind: 'claim'; who: number; back: number }

const wei = fc.bigInt(0n, 60n)
const index = fc.nat(2)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fund' as const),
      amount: fc.bigInt(1n, 200n),
      blocks: fc.constantFrom(0, SETTINGS.epochLength, 2 * SETTINGS.epochLength),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      grants: fc.array(wei, { minLength: 3, maxLength: 3 }),
      share: fc.constantFrom(0, 30, 80, 100, 110),
      byStranger: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('mine' as const), blocks: fc.constantFrom(1, 9, 10) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(100, 600, 600) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('dispute' as const), back: index }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resolve' as const), upheld: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('claim' as const), who: index, back: fc.constantFrom(0, 0, 1) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('return' as const), back: index }) },
)

test('whatever happens, in any order, it pays what the model says and never more than it holds', async () => {
  const done = { publish: 0, bonded: 0, tooEarly: 0, returned: 0, claim: 0, cancel: 0, deficit: 0, capped: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 45 }), async (steps) => {
      await world.undone(async () => {
        const model = new Model(await world.read('RewardDistributor', 'firstBlock', []))
        const open: { id: bigint; epoch: number; tree: RewardTree }[] = []
        for (const one of steps) {
          const next = (await world.now()) + 1
          const { length } = model.maps
          if (one.kind === 'fund') {
            const { block } = await world.send(HOLDER, 'RewardDistributor', 'fund', [one.amount])
            model.fund(block, one.amount)
            await world.mine(one.blocks)
          } else if (one.kind === 'wait') {
            await world.warp(one.seconds)
          } else if (one.kind === 'publish') {
            const outcome = await publish(model, one.grants, one.share, one.byStranger, next)
            if (outcome === 'none') done[one.byStranger ? 'bonded' : 'publish']++
            if (outcome === 'PublishersTurn') done.tooEarly++
          } else if (one.kind === 'mine') {
            await world.mine(one.blocks)
          } else if (one.kind === 'return') {
            if (await returnBond(model, length - one.back, next)) done.returned++
          } else if (one.kind === 'dispute') {
            const epoch = length - one.back
            const map = model.maps[epoch - 1]
            const { name } = await world.errorOf(STRANGER, 'Disputes', 'open', [
              REWARD_MAP,
              BigInt(Math.max(epoch, 0)),
              hashOf('e'),
            ])
            const blocked = open.some((dispute) => dispute.epoch === epoch)
            const inTime = map !== undefined && next < map.publishedAt + SETTINGS.challengeWindow
            const challengeable = inTime || (map !== undefined && model.isHeld(epoch, next))
            expect(name).toBe(
              blocked ? 'Disputes.AlreadyDisputed' : challengeable ? 'none' : 'Disputes.NotChallengeable',
            )
            if (name !== 'none') continue
            await world.send(STRANGER, 'Disputes', 'open', [REWARD_MAP, BigInt(epoch), hashOf('e')])
            open.push({ id: await world.read('Disputes', 'disputeCount', []), epoch, tree: must(map).tree })
            must(map).disputed = true
          } else if (one.kind === 'resolve') {
            const dispute = open.shift()
            if (!dispute) continue
            await world.send(timelock, 'Disputes', 'resolve', [dispute.id, one.upheld, 0n])
            if (!one.upheld) model.heldUntil.set(dispute.epoch, (await world.now()) + SETTINGS.reopenTime)
            const map = model.maps[dispute.epoch - 1]
            if (map) map.disputed = false
            if (one.upheld && map && map.tree.root === dispute.tree.root) {
              model.maps.length = dispute.epoch - 1
              model.lastChange = await world.client.getBlockNumber()
              done.cancel++
            }
          } else {
            const outcome = await claim(model, one.who, one.back, next)
            if (outcome === 'none') done.claim++
            if (outcome === 'RewardDistributor.NothingToClaim') done.deficit++
            if (outcome === 'RewardDistributor.ExceedsPayable') done.capped++
          }
          // A map that is published while an old dispute about its epoch is open counts as disputed.
          for (const { epoch } of open) {
            const disputed = model.maps[epoch - 1]
            if (disputed) disputed.disputed = true
          }
          await check(model)
        }
      })
    }),
    { numRuns: 25, seed: 11 },
  )
  // The sequences reached every kind of outcome.
  for (const [kind, count] of Object.entries(done)) expect(count, kind).toBeGreaterThan(0)
})

async function publish(
  model: Model,
  grants: bigint[],
  share: number,
  byStranger: boolean,
  now: number,
): Promise<string> {
  const epoch = model.maps.length + 1
  const soFar = model.maps.at(-1)?.payableSoFar ?? 0n
  const total = ((model.funded - soFar) * BigInt(share)) / 100n
  const tree = treeOf(
    world,
    BigInt(epoch),
    people.map((account, i) => [account, must(grants[i])]),
  )
  const from = byStranger ? STRANGER : OPERATOR
  const args = await publicationOf(world, BigInt(epoch), tree.root, total)
  const block = (await world.client.getBlockNumber()) + 1n
  const toBlock = model.ends[epoch - 1] ?? block
  const turn = (toBlock > model.lastChange ? toBlock : model.lastChange) + LENGTH
  const expected =
    toBlock >= block
      ? 'EpochRunning'
      : soFar + total > model.funded
        ? 'TotalExceedsFunds'
        : byStranger && block <= turn
          ? 'PublishersTurn'
          : 'none'
  const { name } = await world.errorOf(from, 'RewardDistributor', 'publish', args)
  expect(name).toBe(expected === 'none' ? 'none' : `RewardDistributor.${expected}`)
  if (expected !== 'none') return expected
  await world.send(from, 'RewardDistributor', 'publish', args)
  model.noticed = model.final(now)
  if (!byStranger) model.lastChange = block
  model.maps.push({
    grants,
    payableSoFar: soFar + total,
    publishedAt: await world.now(),
    disputed: false,
    tree,
    bonded: byStranger ? STRANGER.address : undefined,
  })
  return 'none'
}

async function returnBond(model: Model, epoch: number, now: number): Promise<boolean> {
  const map = model.maps[epoch - 1]
  if (!map) return false
  const { name } = await world.errorOf(BOB, 'RewardDistributor', 'returnBond', [BigInt(epoch)])
  const newest = model.final(now)
  const expected = epoch > newest ? 'NotFinal' : map.bonded ? undefined : 'NoBond'
  expect(name).toBe(expected ? `RewardDistributor.${expected}` : 'none')
  if (expected) return false
  await world.send(BOB, 'RewardDistributor', 'returnBond', [BigInt(epoch)])
  map.bonded = undefined
  model.noticed = newest
  return true
}

async function claim(model: Model, who: number, back: number, now: number): Promise<string> {
  const newest = model.final(now)
  const epoch = newest - back
  const map = model.maps[epoch - 1]
  if (!map) return 'no map'
  const account = people[who] as Address
  const cumulative = must(map.grants[who])
  const args = [BigInt(epoch), account, cumulative, map.tree.proof(who)] as const
  const amount = cumulative - must(model.claimed[who])
  const { name } = await world.errorOf(STRANGER, 'RewardDistributor', 'claim', args)
  const expected =
    epoch < newest
      ? 'Superseded'
      : amount <= 0n
        ? 'NothingToClaim'
        : amount > map.payableSoFar - model.paid
          ? 'ExceedsPayable'
          : undefined
  expect(name).toBe(expected ? `RewardDistributor.${expected}` : 'none')
  if (expected) return name
  const held = await world.balance(account)
  await world.send(STRANGER, 'RewardDistributor', 'claim', args)
  expect((await world.balance(account)) - held).toBe(amount)
  model.claimed[who] = must(model.claimed[who]) + amount
  model.paid += amount
  model.noticed = newest
  return name
}

async function check(model: Model) {
  expect(await world.balance(world.at.RewardDistributor)).toBe(model.funded - model.paid + model.bonds)
  expect(await world.read('RewardDistributor', 'newestFinal', [])).toBe(BigInt(model.final(await world.now())))
  expect(model.paid <= model.funded).toBe(true)
}
