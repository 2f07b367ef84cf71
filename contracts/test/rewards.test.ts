import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import fc from 'fast-check'
import type { Address, Hex } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { fundEpoch, publicationOf, treeOf } from './publication.ts'
import { restoreWorld } from './restoreWorld.ts'
import {
  ALICE,
  BOB,
  CAROL,
  ETHER,
  HOST,
  hashOf,
  OPERATOR,
  RESOLVER,
  SETTINGS,
  STRANGER,
  startWorld,
  type World,
} from './world.ts'

const ZERO = `0x${'0'.repeat(64)}` as const
const CODE = hashOf('code')
const REWARD_MAP = 3

let world: World
let timelock: Address
beforeAll(async () => {
  world = await startWorld()
  timelock = await world.impersonate(world.at.TimelockController)
})
restoreWorld(() => world)

type Grants = [Address, bigint][]
const fund = (amount: bigint) => fundEpoch(world, amount)

/** Publishes the next map. */
async function publish(epoch: bigint, grants: Grants, total: bigint) {
  const tree = treeOf(world, epoch, grants)
  await world.send(OPERATOR, 'RewardDistributor', 'publish', await publicationOf(world, epoch, tree.root, total))
  const claim = (account: Address, over: Partial<{ cumulative: bigint; proof: Hex[]; epoch: bigint }> = {}) => {
    const index = grants.findIndex(([one]) => one === account)
    return [
      over.epoch ?? epoch,
      account,
      over.cumulative ?? must(grants[index])[1],
      over.proof ?? tree.proof(index),
    ] as const
  }
  return { tree, claim }
}

type Claim = readonly [bigint, Address, bigint, readonly Hex[]]
const claimError = async (claim: Claim) => (await world.errorOf(STRANGER, 'RewardDistributor', 'claim', claim)).name
const publishError = async (...args: Parameters<typeof publicationOf> extends [World, ...infer Rest] ? Rest : never) =>
  (await world.errorOf(OPERATOR, 'RewardDistributor', 'publish', await publicationOf(world, ...args))).name

describe('a claim', () => {
  test('by OpenZeppelin’s tree and by ours is the same, and pays the account, no matter who sends it', async () => {
    await fund(100n)
    const grants: Grants = [ALICE, BOB, CAROL, HOST].map(({ address }, i) => [address, BigInt(10 * (i + 1))])
    const { tree, claim } = await publish(1n, grants, 100n)
    const reference = StandardMerkleTree.of(
      grants.map(([account, cumulative]) => [
        BigInt(world.deployment.chainId),
        world.at.RewardDistributor,
        1n,
        account,
        cumulative,
      ]),
      ['uint256', 'address', 'uint256', 'address', 'uint256'],
    )
    expect(tree.root).toBe(reference.root)
    expect(tree.proof(1)).toEqual(reference.getProof(1))
    expect(await world.read('RewardDistributor', 'leaf', [1n, ALICE.address, 10n])).toBe(
      reference.leafHash(must(reference.at(0))),
    )
    await world.warp(500)
    for (const [account, amount] of grants) {
      const before = await world.balance(account)
      await world.send(STRANGER, 'RewardDistributor', 'claim', claim(account))
      expect((await world.balance(account)) - before).toBe(amount)
    }
    expect(await world.balance(world.at.RewardDistributor)).toBe(0n)
  })

  test('waits for the challenge window and is paid once', async () => {
    await fund(100n)
    const { claim } = await publish(
      1n,
      [
        [ALICE.address, 60n],
        [BOB.address, 40n],
      ],
      100n,
    )
    expect(await claimError(claim(ALICE.address))).toBe('RewardDistributor.NotFinal')
    expect(await claimError(claim(ALICE.address, { epoch: 2n }))).toBe('RewardDistributor.UnknownEpoch')
    expect(await claimError(claim(ALICE.address, { epoch: 0n }))).toBe('RewardDistributor.UnknownEpoch')
    await world.warp(500)
    await world.send(ALICE, 'RewardDistributor', 'claim', claim(ALICE.address))
    expect(await claimError(claim(ALICE.address))).toBe('RewardDistributor.NothingToClaim')
  })

  test('with another amount, account, epoch or proof fails', async () => {
    await fund(100n)
    const { claim, tree } = await publish(
      1n,
      [
        [ALICE.address, 60n],
        [BOB.address, 40n],
      ],
      100n,
    )
    await world.warp(500)
    expect(await claimError(claim(ALICE.address, { cumulative: 61n }))).toBe('RewardDistributor.BadProof')
    expect(await claimError(claim(ALICE.address, { proof: tree.proof(1) }))).toBe('RewardDistributor.BadProof')
    expect(await claimError(claim(ALICE.address, { proof: [] }))).toBe('RewardDistributor.BadProof')
    expect(await claimError([1n, CAROL.address, 60n, tree.proof(0)])).toBe('RewardDistributor.BadProof')
  })

  test('is cumulative: a later map pays the difference, and only the newest final map counts', async () => {
    await fund(100n)
    await fund(50n)
    const one = await publish(
      1n,
      [
        [ALICE.address, 60n],
        [BOB.address, 40n],
      ],
      100n,
    )
    await world.warp(500)
    await world.send(ALICE, 'RewardDistributor', 'claim', one.claim(ALICE.address))
    const two = await publish(
      2n,
      [
        [ALICE.address, 70n],
        [BOB.address, 80n],
      ],
      50n,
    )
    // Until the second map is final, claims use the first; afterwards only the second.
    expect(await claimError(one.claim(BOB.address))).toBe('none')
    expect(await claimError(two.claim(BOB.address))).toBe('RewardDistributor.NotFinal')
    await world.warp(500)
    expect(await claimError(one.claim(BOB.address))).toBe('RewardDistributor.Superseded')
    const { events } = await world.send(BOB, 'RewardDistributor', 'claim', two.claim(BOB.address))
    expect(events[0]).toMatchObject({ name: 'RewardClaimed', args: { epoch: 2n, amount: 80n } })
    const rest = await world.send(BOB, 'RewardDistributor', 'claim', two.claim(ALICE.address))
    expect(rest.events[0]).toMatchObject({ args: { account: ALICE.address.toLowerCase(), amount: 10n } })
  })

  test('of a map that lowers an amount pays nothing until later earnings cover the deficit', async () => {
    await fund(100n)
    await fund(10n)
    await fund(10n)
    const one = await publish(
      1n,
      [
        [ALICE.address, 60n],
        [BOB.address, 40n],
      ],
      100n,
    )
    await world.warp(500)
    await world.send(ALICE, 'RewardDistributor', 'claim', one.claim(ALICE.address))
    // A correction: Alice's 60 should have been 45, Bob's 40 only 30.
    const two = await publish(
      2n,
      [
        [ALICE.address, 45n],
        [BOB.address, 30n],
      ],
      0n,
    )
    await world.warp(500)
    expect(await claimError(two.claim(ALICE.address))).toBe('RewardDistributor.NothingToClaim')
    expect(await claimError(one.claim(BOB.address))).toBe('RewardDistributor.Superseded')
    await world.send(BOB, 'RewardDistributor', 'claim', two.claim(BOB.address))
    const three = await publish(
      3n,
      [
        [ALICE.address, 63n],
        [BOB.address, 30n],
      ],
      10n,
    )
    await world.warp(500)
    const { events } = await world.send(ALICE, 'RewardDistributor', 'claim', three.claim(ALICE.address))
    expect(events[0]).toMatchObject({ args: { amount: 3n } })
  })

  test('never takes more than the final maps declare, whatever the leaves say', async () => {
    await fund(100n)
    await fund(1_000n)
    const one = await publish(
      1n,
      [
        [ALICE.address, 70n],
        [BOB.address, 40n],
      ],
      100n,
    )
    await world.warp(500)
    await world.send(ALICE, 'RewardDistributor', 'claim', one.claim(ALICE.address))
    expect(await world.errorOf(BOB, 'RewardDistributor', 'claim', one.claim(BOB.address))).toEqual({
      name: 'RewardDistributor.ExceedsPayable',
      args: [40n, 30n],
    })
  })

  test('by any map of any size is accepted, and the payments equal its sum', async () => {
    const size = fc.integer({ min: 1, max: 12 })
    await fc.assert(
      fc.asyncProperty(size, fc.integer({ min: 0, max: 11 }), async (count, pick) => {
        await world.undone(async () => {
          const grants = Array.from({ length: count }, (_, i): [Address, bigint] => [
            `0x${(0xabc0 + i).toString(16).padStart(40, '0')}`,
            BigInt(i * i + 1),
          ])
          const total = grants.reduce((sum, [, amount]) => sum + amount, 0n)
          await fund(total)
          const { claim } = await publish(1n, grants, total)
          await world.warp(500)
          const [account, amount] = must(grants[pick % count])
          await world.send(STRANGER, 'RewardDistributor', 'claim', claim(account))
          expect(await world.balance(account)).toBe(amount)
        })
      }),
      { numRuns: 12, seed: 3 },
    )
  })
})

describe('a map', () => {
  test('is published in order, after its last block, with the hash of that block', async () => {
    expect(
      await world.errorOf(OPERATOR, 'RewardDistributor', 'publish', await publicationOf(world, 1n, CODE, 0n)),
    ).toEqual(
      { name: 'RewardDistributor.EpochRunning', args: [1n, 0n] }, // no fees have arrived
    )
    await fund(100n)
    expect(await publishError(0n, hashOf('r'), 1n)).toBe('RewardDistributor.NotNextEpoch')
    expect(await publishError(2n, hashOf('r'), 1n)).toBe('RewardDistributor.NotNextEpoch')
    expect(await publishError(1n, hashOf('r'), 1n, { blockHash: hashOf('another chain') })).toBe(
      'RewardDistributor.WrongBlockHash',
    )
    expect(await publishError(1n, hashOf('r'), 1n, { blockHash: ZERO })).toBe('RewardDistributor.EmptyHash')
    expect(await publishError(1n, hashOf('r'), 1n, { codeHash: ZERO })).toBe('RewardDistributor.EmptyHash')
    await publish(1n, [[ALICE.address, 1n]], 1n)
    expect(await publishError(1n, hashOf('r'), 1n)).toBe('RewardDistributor.NotNextEpoch')
    expect(await publishError(2n, hashOf('r'), 1n)).toBe('RewardDistributor.EpochRunning')
    await fund(1n)
    expect(await publishError(2n, hashOf('r'), 1n)).toBe('none')
  })

  test('cannot promise more than the fees received, over all epochs', async () => {
    await fund(60n)
    await fund(40n)
    expect(await publishError(1n, hashOf('r'), 101n)).toBe('RewardDistributor.TotalExceedsFunds')
    await publish(1n, [[ALICE.address, 60n]], 60n)
    expect(await publishError(2n, hashOf('r'), 41n)).toBe('RewardDistributor.TotalExceedsFunds')
    expect(await publishError(2n, hashOf('r'), 40n)).toBe('none')
  })

  test('that pays nobody has the root 0, and no other map has', async () => {
    await fund(5n)
    expect(await publishError(1n, ZERO, 1n)).toBe('RewardDistributor.EmptyHash')
    await world.send(OPERATOR, 'RewardDistributor', 'publish', await publicationOf(world, 1n, ZERO, 0n))
    await world.warp(500)
    expect(await claimError([1n, ALICE.address, 5n, []])).toBe('RewardDistributor.BadProof')
    expect(await claimError([1n, ALICE.address, 0n, []])).toBe('RewardDistributor.BadProof')
  })
})

describe('a disputed map', () => {
  const open = (epoch: bigint) => world.send(BOB, 'Disputes', 'open', [REWARD_MAP, epoch, hashOf('evidence')])
  const openError = async (epoch: bigint) =>
    (await world.errorOf(BOB, 'Disputes', 'open', [REWARD_MAP, epoch, hashOf('evidence')])).name

  test('does not become final until it is decided, and neither do the maps after it', async () => {
    await fund(60n)
    await fund(40n)
    const one = await publish(1n, [[ALICE.address, 60n]], 60n)
    await open(1n)
    const two = await publish(2n, [[ALICE.address, 100n]], 40n)
    await world.warp(5_000)
    expect(await claimError(one.claim(ALICE.address))).toBe('RewardDistributor.NotFinal')
    expect(await claimError(two.claim(ALICE.address))).toBe('RewardDistributor.NotFinal')
    expect(await world.read('RewardDistributor', 'newestFinal', [])).toBe(0n)
    await world.send(RESOLVER, 'Disputes', 'rule', [1n, false, 0n])
    await world.warp(SETTINGS.appealTime)
    await world.send(STRANGER, 'Disputes', 'enforce', [1n])
    expect(await world.read('RewardDistributor', 'newestFinal', [])).toBe(0n) // somebody else may still dispute it
    await world.warp(SETTINGS.reopenTime)
    expect(await world.read('RewardDistributor', 'newestFinal', [])).toBe(2n)
    expect(await claimError(two.claim(ALICE.address))).toBe('none')
  })

  test('is cancelled with all later ones, and published again', async () => {
    await fund(60n)
    await fund(40n)
    await publish(1n, [[ALICE.address, 60n]], 60n)
    await publish(2n, [[ALICE.address, 100n]], 40n)
    await open(1n)
    await open(2n)
    await world.warp(5_000)
    const before = await world.balance(BOB.address)
    const { events } = await world.send(timelock, 'Disputes', 'resolve', [1n, true, 0n])
    expect(events.filter(({ name }) => name === 'RewardMapCancelled').map(({ args }) => args)).toMatchObject([
      { epoch: 2n },
      { epoch: 1n },
    ])
    // The second dispute's map is cancelled already: it is upheld, so its bond is returned too.
    await world.send(timelock, 'Disputes', 'resolve', [2n, true, 0n])
    expect((await world.balance(BOB.address)) - before).toBe(4n * ETHER)
    const again = await publish(1n, [[BOB.address, 100n]], 100n)
    await world.warp(500)
    await world.send(BOB, 'RewardDistributor', 'claim', again.claim(BOB.address))
  })

  test('is disputed within its window only, and a final one is never cancelled', async () => {
    await fund(100n)
    expect(await openError(1n)).toBe('Disputes.NotChallengeable')
    const { claim } = await publish(1n, [[ALICE.address, 60n]], 60n)
    await world.warp(500)
    expect(await openError(1n)).toBe('Disputes.NotChallengeable')
    await world.send(STRANGER, 'RewardDistributor', 'claim', claim(ALICE.address))
    const disputes = await world.impersonate(world.at.Disputes)
    const cancel = async (epoch: bigint) => (await world.errorOf(disputes, 'RewardDistributor', 'cancel', [epoch])).name
    expect(await cancel(1n)).toBe('RewardDistributor.AlreadyFinal')
    expect(await cancel(2n)).toBe('RewardDistributor.UnknownEpoch')
    expect(await cancel(0n)).toBe('RewardDistributor.UnknownEpoch')
  })
})
