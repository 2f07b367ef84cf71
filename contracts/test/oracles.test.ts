import fc from 'fast-check'
import { getAddress, toHex } from 'viem'
import { beforeAll, expect, test } from 'vitest'
import { EARLY_CANCEL_BPS, MAX_BOND_SLASH_BPS } from '#rules/bond.ts'
import { authorizerOf, channelConfig, channelId } from '#rules/channel.ts'
import { COMMITMENT_BLOCKS } from '#rules/commitments.ts'
import { MAX_PENALTY_BPS } from '#rules/feedback.ts'
import { leafHash, type RewardLeaf, RewardTree, verifyProof } from '#rules/merkle.ts'
import { verdictCode } from '#rules/quality.ts'
import { COMMIT_STAGES, hasSeat, seatHash, stageAt } from '#rules/seats.ts'
import { checkTerms, MAX_ANCESTORS_BPS } from '#rules/split.ts'
import { openRound } from './judge.ts'
import { evaluate, mandate, SPLIT, startVotingWorld, TERMS, version } from './mandate.ts'
import { fundEpoch, publicationOf } from './publication.ts'
import { restoreWorld } from './restoreWorld.ts'
import { channelOf, depositCredit, marketPlace, redemption, signTestVoucher } from './vouchers.ts'
import {
  ALICE,
  BOB,
  DEPLOYER,
  ETHER,
  HOLDER,
  HOST,
  hashOf,
  OPERATOR,
  PROPOSER,
  SETTINGS,
  STRANGER,
  type World,
} from './world.ts'

/** The rules that restate a contract agree with it: random actions on a real EVM, compared after each step. */

let world: World
beforeAll(async () => {
  world = await startVotingWorld()
})
restoreWorld(() => world)

test('rules 2, 3, 5 and 8: the constants are those of the contracts', async () => {
  expect(await world.read('ModelRegistry', 'MAX_BOND_SLASH_BPS', [])).toBe(MAX_BOND_SLASH_BPS)
  expect(await world.read('ModelRegistry', 'EARLY_CANCEL_BPS', [])).toBe(EARLY_CANCEL_BPS)
  expect(await world.read('ModelRegistry', 'MAX_ANCESTORS_BPS', [])).toBe(MAX_ANCESTORS_BPS)
  expect(await world.read('FeedbackPool', 'MAX_PENALTY_BPS', [])).toBe(MAX_PENALTY_BPS)
  expect(await world.read('FeedbackPool', 'COMMIT_STAGES', [])).toBe(COMMIT_STAGES)
  expect(await world.read('DatanetRegistry', 'ACCEPTED', [])).toBe(verdictCode('accepted'))
  expect(await world.read('DatanetRegistry', 'REJECTED', [])).toBe(verdictCode('offTopic'))
  expect(await world.read('DatanetRegistry', 'COMMITMENT_BLOCKS', [])).toBe(COMMITMENT_BLOCKS)
})

test('rule 5: the contract draws the seats that the rule draws, in every stage', async () => {
  const stakes = [STRANGER, ALICE, BOB, HOST].map(({ address }, i) => ({ address, stake: 5n * ETHER * BigInt(i + 1) }))
  for (const { address, stake } of stakes) await world.send(address, 'FeedbackPool', 'stake', [stake])
  const modelId = await mandate(world)
  const versionId = await version(world, modelId, OPERATOR.address)
  const first = await openRound(world, modelId, versionId, { count: 12, seats: 2 })
  await world.send(STRANGER, 'FeedbackPool', 'drawSeats', [1n])
  const { openedAt, commitDeadline, totalStake, seats, seed } = await world.read('FeedbackPool', 'getRound', [1n])
  expect(totalStake).toBe(50n * ETHER)
  const drawn: number[] = []
  for (let seen = 0; seen < Number(COMMIT_STAGES); seen++) {
    const time = BigInt(await world.now())
    const stage = stageAt({ openedAt, commitDeadline }, time)
    expect(await world.read('FeedbackPool', 'stageAt', [1n, time])).toBe(stage)
    let count = 0
    for (const { address, stake } of stakes)
      for (let taskId = first; taskId < first + 12n; taskId++) {
        const expected = hasSeat(
          { seats: BigInt(seats), totalStake },
          { hash: seatHash(seed, taskId, address), stake, stage },
        )
        expect(await world.read('FeedbackPool', 'hasSeat', [taskId, address])).toBe(expected)
        if (expected) count++
      }
    drawn.push(count)
    await world.warp(6)
  }
  expect(drawn[0]).toBeLessThan(40)
  expect(drawn.at(-1)).toBe(48)
})

test('rule 8: the contract accepts exactly the terms that the rule accepts', async () => {
  const share = fc.constantFrom(0, 1, 1_000, 2_000, 3_000, 3_001, 4_000, 9_999, 10_000, 10_001, 65_535)
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        platform: share,
        ancestors: share,
        dataByWeight: share,
        owner: share,
        off: fc.constantFrom(0, 0, 0, 1, -1),
      }),
      async ({ off, ...some }) => {
        const rest = Math.max(0, 10_000 - some.owner + off)
        const split = { ...SPLIT, ...some, stakers: rest, data: 0, validators: 0, host: 0 }
        const { name } = await world.errorOf(PROPOSER, 'ModelRegistry', 'propose', [
          hashOf('specification'),
          'uri',
          { ...TERMS, split },
          10n * ETHER,
        ])
        const { unattributedByWeight, ...shares } = split
        const inBps = Object.fromEntries(Object.entries(shares).map(([key, value]) => [key, BigInt(value)]))
        const check = () => checkTerms({ ...(inBps as Record<keyof typeof shares, bigint>), unattributedByWeight })
        if (name === 'none') {
          accepted++
          check()
        } else expect(check, name).toThrow(RangeError)
      },
    ),
    { numRuns: 150, seed: 8 },
  )
  expect(accepted).toBeGreaterThan(10)
})

test('rule 10: a leaf has the hash that the contract gives it, and the rule accepts the proofs that the contract accepts', async () => {
  const people = [ALICE, BOB, HOLDER, STRANGER, DEPLOYER]
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.bigInt(0n, 2n ** 200n), { minLength: 1, maxLength: 5 }),
      fc.bigInt(1n, 2n ** 64n),
      async (amounts, epoch) => {
        const leaves = amounts.map(
          (cumulative, i): RewardLeaf => ({
            chain: BigInt(world.deployment.chainId),
            distributor: world.at.RewardDistributor,
            epoch,
            account: (people[i] ?? ALICE).address,
            cumulative,
          }),
        )
        const tree = new RewardTree(leaves)
        for (const [i, leaf] of leaves.entries()) {
          const hash = await world.read('RewardDistributor', 'leaf', [epoch, leaf.account, leaf.cumulative])
          expect(leafHash(leaf)).toBe(hash)
          expect(verifyProof(tree.root, leaf, tree.proof(i))).toBe(true)
        }
      },
    ),
    { numRuns: 25, seed: 10 },
  )
  // A claim: the contract's own check of a proof, right and wrong.
  await fundEpoch(world, 100n)
  const leaf = (cumulative: bigint): RewardLeaf => ({
    chain: BigInt(world.deployment.chainId),
    distributor: world.at.RewardDistributor,
    epoch: 1n,
    account: ALICE.address,
    cumulative,
  })
  const tree = new RewardTree([leaf(60n), { ...leaf(40n), account: BOB.address }])
  const published = await publicationOf(world, 1n, tree.root, 100n)
  await world.send(OPERATOR, 'RewardDistributor', 'publish', published)
  await world.warp(SETTINGS.challengeWindow + 1)
  for (const cumulative of [59n, 60n, 61n]) {
    const args = [1n, ALICE.address, cumulative, tree.proof(0)] as const
    const { name } = await world.errorOf(STRANGER, 'RewardDistributor', 'claim', args)
    const accepted = verifyProof(tree.root, leaf(cumulative), tree.proof(0))
    expect(name).toBe(accepted ? 'none' : 'RewardDistributor.BadProof')
  }
})

test('rule 7: channels have the ids that the contract gives them, and it redeems under exactly what the rule says to sign', async () => {
  const versionId = await version(world, await mandate(world), OPERATOR.address)
  await evaluate(world, versionId, OPERATOR.address)
  await world.send(STRANGER, 'ModelRegistry', 'promote', [versionId])
  await world.send(HOST, 'InferenceMarket', 'registerEndpoint', [versionId, 'https://one.example', 1n, 1n])
  const place = marketPlace(world)
  const hex = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((given) => toHex(given))
  const some = fc.record({
    salt: hex(32),
    consumer: hex(20).map(getAddress),
    key: fc.constantFrom(ALICE, BOB, STRANGER),
    ceiling: fc.bigInt(1n, 2n ** 128n - 1n),
    off: fc.constantFrom(0n, 0n, 1n),
  })
  await fc.assert(
    fc.asyncProperty(some, ({ salt, consumer, key, ceiling, off }) =>
      world.undone(async () => {
        const channel = channelOf({ salt, consumer, key: key.address })
        const config = channelConfig(place, channel)
        expect(await world.read('InferenceMarket', 'authorizerOf', [1n])).toBe(
          getAddress(authorizerOf(place.market, 1n)),
        )
        expect(await world.read('InferenceMarket', 'channelId', [config])).toBe(channelId(place, channel))
        await depositCredit(world, channel, 1n, ALICE.address)
        const one = await redemption(world, channel, ceiling, { total: 1n })
        const signed = { channelId: channelId(place, channel), ceiling: ceiling - off }
        const signature = await signTestVoucher(world, key, signed)
        const { events } = await world.send(HOST, 'InferenceMarket', 'redeem', [[{ ...one, signature }]])
        expect(events[0]?.name).toBe(off === 0n ? 'Redeemed' : 'RedemptionFailed')
      }),
    ),
    { numRuns: 40, seed: 7 },
  )
})
