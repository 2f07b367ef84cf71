import type { Address, Hex } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import { contentsOf, submitBatch } from './batch.ts'
import { commitAll, openRound, revealAll } from './judge.ts'
import { evaluate, mandate, version } from './mandate.ts'
import { fundEpoch, publicationOf } from './publication.ts'
import { restoreWorld } from './restoreWorld.ts'
import {
  ALICE,
  BOB,
  CAROL,
  ETHER,
  GENESIS,
  hashOf,
  OPERATOR,
  PROPOSER,
  RESOLVER,
  SETTINGS,
  STRANGER,
  startWorld,
  type World,
} from './world.ts'

const ZERO = `0x${'0'.repeat(64)}` as const
const EVIDENCE = hashOf('evidence')
const BOND = 2n * ETHER
const [CONTRIBUTION, JUDGEMENT, VERSION, REWARD_MAP] = [0, 1, 2, 3]
const STAKE = 7n

let world: World
let modelId: bigint
let versionId: bigint
let timelock: Address
let judged: bigint
beforeAll(async () => {
  world = await startWorld()
  modelId = await mandate(world)
  versionId = await version(world, modelId, OPERATOR.address)
  await world.send(PROPOSER, 'DatanetRegistry', 'createDatanet', [modelId, 'CC0-1.0', 0n, 0])
  await submitBatch(world, {
    datanetId: 1n,
    contributor: ALICE.address,
    contents: contentsOf('sample', 2),
    stakeEach: STAKE,
    salt: hashOf('salt'),
    deadline: BigInt(GENESIS + 100_000),
  })
  await world.send(BOB, 'FeedbackPool', 'stake', [100n * ETHER])
  await world.send(CAROL, 'FeedbackPool', 'stake', [100n * ETHER])
  const task = await openRound(world, modelId, versionId)
  await commitAll(world, [BOB, CAROL], [task])
  await world.warp(101)
  await revealAll(world, [BOB], [task])
  await world.warp(101)
  judged = (task << 160n) | BigInt(BOB.address)
  timelock = await world.impersonate(world.at.TimelockController)
})
restoreWorld(() => world)

const open = (kind: number, id: bigint, from: Address = STRANGER.address) =>
  world.send(from, 'Disputes', 'open', [kind, id, EVIDENCE])
const openError = async (kind: number, id: bigint, evidence: Hex = EVIDENCE) =>
  (await world.errorOf(STRANGER, 'Disputes', 'open', [kind, id, evidence])).name
/** Decides as the timelock does, at once. */
const resolve = (upheld: boolean, slash: bigint, id = 1n) =>
  world.send(timelock, 'Disputes', 'resolve', [id, upheld, slash])
const resolveError = async (upheld: boolean, slash: bigint, from: Address = timelock, id = 1n) =>
  (await world.errorOf(from, 'Disputes', 'resolve', [id, upheld, slash])).name
const rule = (upheld: boolean, slash: bigint, id = 1n) => world.send(RESOLVER, 'Disputes', 'rule', [id, upheld, slash])
const ruleError = async (upheld: boolean, slash: bigint, id = 1n) =>
  (await world.errorOf(RESOLVER, 'Disputes', 'rule', [id, upheld, slash])).name
const enforce = (id = 1n) => world.send(STRANGER, 'Disputes', 'enforce', [id])
const enforceError = async (id = 1n) => (await world.errorOf(STRANGER, 'Disputes', 'enforce', [id])).name
/** The amounts that an action moves into the challenger's and the treasury's accounts. */
async function moved(action: () => Promise<unknown>) {
  const before = [await world.balance(STRANGER.address), await world.balance(world.at.Treasury)] as const
  await action()
  return [
    (await world.balance(STRANGER.address)) - before[0],
    (await world.balance(world.at.Treasury)) - before[1],
  ] as const
}

describe('a dispute', () => {
  test('is opened about an existing subject, with evidence and a bond, once at a time', async () => {
    expect(await openError(CONTRIBUTION, 1n, ZERO)).toBe('Disputes.EmptyHash')
    expect(await openError(CONTRIBUTION, 3n)).toBe('Disputes.UnknownSubject')
    expect(await openError(VERSION, 9n)).toBe('Disputes.UnknownSubject')
    expect(await openError(REWARD_MAP, 1n)).toBe('Disputes.NotChallengeable')
    // Carol committed and did not reveal: there is no judgement to dispute.
    const [task] = [judged >> 160n]
    expect(await world.read('Disputes', 'judgementId', [task, BOB.address])).toBe(judged)
    expect(await openError(JUDGEMENT, (task << 160n) | BigInt(CAROL.address))).toBe('Disputes.UnknownSubject')
    const { events } = await open(CONTRIBUTION, 1n)
    expect(events[0]).toEqual({
      contract: 'Disputes',
      name: 'DisputeOpened',
      args: {
        disputeId: 1n,
        kind: CONTRIBUTION,
        subjectId: 1n,
        challenger: STRANGER.address.toLowerCase(),
        bond: BOND,
        evidenceHash: EVIDENCE,
      },
    })
    expect(await world.balance(world.at.Disputes)).toBe(BOND)
    expect(await openError(CONTRIBUTION, 1n)).toBe('Disputes.AlreadyDisputed')
    expect(await openError(CONTRIBUTION, 2n)).toBe('none')
  })

  test('is ruled on by resolvers where recomputation decides, and resolved by the timelock, once', async () => {
    await open(CONTRIBUTION, 1n)
    await open(JUDGEMENT, judged)
    expect(await resolveError(false, 0n, STRANGER.address)).toBe('Disputes.MayNotResolve')
    expect(await resolveError(false, 0n, RESOLVER.address)).toBe('Disputes.MayNotResolve')
    expect(await ruleError(false, 0n, 2n)).toBe('Disputes.MayNotResolve')
    expect(await ruleError(false, 0n, 9n)).toBe('Disputes.UnknownDispute')
    expect(await ruleError(false, 1n)).toBe('Disputes.NothingToSlash')
    expect(await resolveError(false, 1n)).toBe('Disputes.NothingToSlash')
    await rule(false, 0n)
    expect(await ruleError(true, 0n)).toBe('Disputes.AlreadyRuled')
    await resolve(false, 0n)
    expect(await resolveError(false, 0n)).toBe('Disputes.AlreadyResolved')
    expect(await enforceError()).toBe('Disputes.AlreadyResolved')
    await resolve(false, 0n, 2n)
  })

  test('that is rejected leaves its bond to the treasury and may be opened again', async () => {
    await open(CONTRIBUTION, 1n)
    expect(await moved(() => resolve(false, 0n))).toEqual([0n, BOND])
    expect(await openError(CONTRIBUTION, 1n)).toBe('none')
  })

  test('that nobody decides in its term lapses, and the bond goes back', async () => {
    await open(CONTRIBUTION, 1n)
    expect(await enforceError()).toBe('Disputes.NotDue')
    await world.warp(SETTINGS.disputeTerm)
    expect(await ruleError(true, 1n)).toBe('Disputes.NotDue')
    expect(await moved(() => enforce())).toEqual([BOND, 0n])
    expect((await world.read('Disputes', 'disputes', [1n]))[2]).toBe(3)
  })
})

describe('a resolver’s verdict', () => {
  test('takes effect after the appeal time', async () => {
    await open(CONTRIBUTION, 1n)
    const { events } = await rule(true, STAKE)
    const effectiveAt = BigInt((await world.now()) + SETTINGS.appealTime)
    expect(events[0]?.args).toEqual({ disputeId: 1n, verdict: 1, slashAmount: STAKE, effectiveAt })
    expect(await enforceError()).toBe('Disputes.NotDue')
    await world.warp(SETTINGS.appealTime)
    expect(await moved(() => enforce())).toEqual([BOND + 3n, 4n])
  })

  test('is reversed by the timelock in that time', async () => {
    await open(VERSION, versionId)
    await rule(true, 0n)
    await resolve(false, 0n)
    await world.warp(SETTINGS.appealTime)
    expect(await enforceError()).toBe('Disputes.AlreadyResolved')
    expect(await world.read('ModelRegistry', 'isRolledBack', [versionId])).toBe(false)
  })

  test('takes a vote’s whole time to take effect: a vote that begins with it can reverse it', () => {
    const { votingDelay, votingPeriod, lateQuorumExtension, timelockDelay } = SETTINGS
    expect(SETTINGS.appealTime).toBeGreaterThan(votingDelay + votingPeriod + lateQuorumExtension + timelockDelay)
  })

  test('gives an accomplice who challenges at most the bond, not half of a contributor’s stake', async () => {
    const stake = 300n * ETHER
    await submitBatch(world, {
      datanetId: 1n,
      contributor: ALICE.address,
      contents: contentsOf('large', 1),
      stakeEach: stake,
      salt: hashOf('large'),
      deadline: BigInt(GENESIS + 100_000),
    })
    const id = await world.read('DatanetRegistry', 'contributionCount', [])
    const bond = stake / 10n
    expect(await world.read('Disputes', 'bondFor', [CONTRIBUTION, id])).toBe(bond)
    await open(CONTRIBUTION, id)
    await rule(true, stake)
    await world.warp(SETTINGS.appealTime)
    expect(await moved(() => enforce())).toEqual([2n * bond, stake - bond])
  })
})

describe('a bond', () => {
  test('is a tenth of the stake that the dispute holds: little money freezes no large stake', async () => {
    expect(await world.read('Disputes', 'bondFor', [JUDGEMENT, judged])).toBe(10n * ETHER) // of Bob's 100
    expect(await world.read('Disputes', 'bondFor', [CONTRIBUTION, 1n])).toBe(BOND)
    expect(await world.read('Disputes', 'bondFor', [VERSION, versionId])).toBe(BOND)
    const { events } = await open(JUDGEMENT, judged)
    expect(events[0]?.args).toMatchObject({ bond: 10n * ETHER })
  })
})

describe('an accomplice’s dispute', () => {
  const withdraw = async () => (await world.errorOf(ALICE, 'DatanetRegistry', 'withdrawStake', [[1n]])).name
  const publish = async (epoch: bigint, root: Hex, total = 5n) =>
    world.send(OPERATOR, 'RewardDistributor', 'publish', await publicationOf(world, epoch, root, total))

  test('does not shield a contribution until its stake is out: others can dispute it after it failed', async () => {
    await world.send(OPERATOR, 'DatanetRegistry', 'score', [[1n], [1], [1], [1], ['fine']])
    await open(CONTRIBUTION, 1n, ALICE.address)
    await rule(false, 0n)
    await world.warp(SETTINGS.appealTime) // the hold after scoring is over, too
    await enforce()
    expect(await withdraw()).toBe('DatanetRegistry.Disputed')
    await world.warp(SETTINGS.reopenTime - 2)
    await open(CONTRIBUTION, 1n)
    await world.warp(SETTINGS.disputeTerm)
    expect(await withdraw()).toBe('DatanetRegistry.Disputed')
    await resolve(true, STAKE, 2n)
    expect(await world.read('DatanetRegistry', 'stakeOf', [1n])).toBe(0n)
  })

  test.each([
    { map: 'a reward map', root: hashOf('root'), total: 5n },
    { map: 'a map that pays nobody', root: ZERO, total: 0n },
  ])('does not shield $map until it is final, and each failed one makes the next dearer', async ({ root, total }) => {
    await fundEpoch(world, 5n)
    await publish(1n, root, total)
    await open(REWARD_MAP, 1n, CAROL.address)
    await world.warp(SETTINGS.disputeTerm) // long after the challenge window: the map still waits
    expect(await enforceError()).toBe('Disputes.NotDue')
    await rule(false, 0n)
    await world.warp(SETTINGS.appealTime)
    await enforce()
    expect(await world.read('RewardDistributor', 'newestFinal', [])).toBe(0n)
    expect(await world.read('Disputes', 'bondFor', [REWARD_MAP, 1n])).toBe(2n * BOND)
    await open(REWARD_MAP, 1n)
    await resolve(true, 0n, 2n)
    expect(await world.read('RewardDistributor', 'lastEpoch', [])).toBe(0n)
  })

  test('about maps that are cancelled with an earlier one lapse at once, whatever was ruled: right roots without documents behind a false map cost nobody a bond', async () => {
    const epochs = [1n, 2n, 3n, 4n]
    for (const epoch of epochs) {
      await fundEpoch(world, 5n)
      await publish(epoch, hashOf(epoch === 1n ? 'false' : `right ${epoch}`))
    }
    for (const epoch of epochs) await open(REWARD_MAP, epoch)
    await rule(true, 0n, 1n)
    await rule(false, 0n, 2n)
    await rule(true, 0n, 3n)
    expect(await world.read('Disputes', 'isMoot', [2n])).toBe(false)
    await world.warp(SETTINGS.appealTime)
    await enforce(1n) // cancels all
    for (const epoch of epochs) await publish(epoch, hashOf(`right ${epoch}`))
    const before = await world.balance(STRANGER.address)
    for (const id of [2n, 3n, 4n]) {
      expect(await world.read('Disputes', 'isMoot', [id])).toBe(true)
      const { events } = await enforce(id)
      expect(events).toMatchObject([{ name: 'DisputeResolved', args: { disputeId: id, outcome: 3, slashed: 0n } }, {}])
      expect(await world.read('Disputes', 'isMoot', [id])).toBe(false)
      expect(await world.read('Disputes', 'bondFor', [REWARD_MAP, id])).toBe(BOND)
    }
    expect((await world.balance(STRANGER.address)) - before).toBe(3n * BOND)
    expect(await world.read('RewardDistributor', 'lastEpoch', [])).toBe(4n)
  })

  test('about a map that pays nobody lapses, too, when it is cancelled with an earlier one, by the timelock as well', async () => {
    for (const epoch of [1n, 2n]) {
      await fundEpoch(world, 5n)
      await publish(epoch, ZERO, 0n)
    }
    for (const epoch of [1n, 2n]) await open(REWARD_MAP, epoch)
    await resolve(true, 0n, 1n)
    expect(await world.read('RewardDistributor', 'lastEpoch', [])).toBe(0n)
    const { events } = await resolve(true, 0n, 2n)
    expect(events).toMatchObject([{ name: 'DisputeResolved', args: { outcome: 3 } }, {}])
    for (const epoch of [1n, 2n]) await publish(epoch, ZERO, 0n)
    expect(await world.read('RewardDistributor', 'lastEpoch', [])).toBe(2n)
  })

  test('about a map that is cancelled with an earlier one shields no later map of that epoch', async () => {
    for (const _ of [1, 2]) await fundEpoch(world, 5n)
    await publish(1n, hashOf('false'))
    await open(REWARD_MAP, 1n)
    await rule(true, 0n)
    await world.warp(SETTINGS.appealTime - 10)
    await publish(2n, hashOf('false, too'))
    await open(REWARD_MAP, 2n, CAROL.address)
    await world.warp(10)
    await enforce() // cancels both
    await publish(1n, hashOf('right'))
    await publish(2n, hashOf('false again'))
    const before = await world.balance(CAROL.address)
    await open(REWARD_MAP, 2n) // which ends the moot dispute
    expect((await world.balance(CAROL.address)) - before).toBe(BOND)
    expect((await world.read('Disputes', 'disputes', [2n]))[2]).toBe(3)
    await resolve(true, 0n, 3n)
    expect(await world.read('RewardDistributor', 'lastEpoch', [])).toBe(1n)
  })

  test('about a moot map keep the epoch open to disputes, although its window is over', async () => {
    for (const epoch of [1n, 2n]) {
      await fundEpoch(world, 5n)
      await publish(epoch, hashOf(`false ${epoch}`))
      await open(REWARD_MAP, epoch)
    }
    await resolve(true, 0n, 1n)
    for (const epoch of [1n, 2n]) await publish(epoch, hashOf(`right ${epoch}`))
    await world.warp(SETTINGS.challengeWindow)
    expect(await world.read('RewardDistributor', 'newestFinal', [])).toBe(1n)
    await enforce(2n)
    expect(await world.read('RewardDistributor', 'newestFinal', [])).toBe(1n)
    await world.warp(SETTINGS.reopenTime)
    expect(await world.read('RewardDistributor', 'newestFinal', [])).toBe(2n)
  })

  test('about the map that was found wrong opens about no other: not when a right one has replaced it, nor the same one again', async () => {
    await fundEpoch(world, 5n)
    const wrong = hashOf('false')
    await publish(1n, wrong)
    const publishedAt = await world.read('RewardDistributor', 'publishedAt', [1n])
    const openMap = (root: Hex, at: bigint) =>
      [STRANGER.address, 'Disputes', 'openMap', [1n, root, at, EVIDENCE]] as const
    const refusal = async (...of: Parameters<typeof openMap>) => (await world.errorOf(...openMap(...of))).name
    const before = await world.balance(STRANGER.address)
    await world.send(...openMap(wrong, publishedAt))
    await resolve(true, 0n)
    expect(await world.balance(STRANGER.address)).toBe(before)
    expect(await refusal(wrong, publishedAt)).toBe('Disputes.OtherMap') // there is none
    await publish(1n, hashOf('right'))
    expect(await refusal(wrong, publishedAt)).toBe('Disputes.OtherMap')
    const other = await world.read('RewardDistributor', 'publishedAt', [1n])
    expect(await refusal(wrong, other)).toBe('Disputes.OtherMap')
    expect(await refusal(hashOf('right'), publishedAt)).toBe('Disputes.OtherMap')
    const { events } = await world.send(...openMap(hashOf('right'), other))
    expect(events[0]).toMatchObject({ name: 'DisputeOpened', args: { kind: REWARD_MAP, subjectId: 1n, bond: BOND } })
  })

  test('leaves a map final when nobody disputes it again', async () => {
    await fundEpoch(world, 5n)
    const publication = await publicationOf(world, 1n, ZERO, 0n)
    await world.send(OPERATOR, 'RewardDistributor', 'publish', publication)
    await open(REWARD_MAP, 1n)
    await resolve(false, 0n)
    await world.warp(SETTINGS.challengeWindow + SETTINGS.reopenTime)
    expect(await world.read('RewardDistributor', 'newestFinal', [])).toBe(1n)
    expect(await openError(REWARD_MAP, 1n)).toBe('Disputes.NotChallengeable')
  })
})

describe('upheld', () => {
  test('a contribution is slashed; the challenger gets bond and floored half, the treasury the rest', async () => {
    await open(CONTRIBUTION, 1n)
    expect(await moved(() => resolve(true, STAKE))).toEqual([BOND + 3n, 4n])
    expect(await openError(CONTRIBUTION, 1n)).toBe('Disputes.AlreadyDisputed')
    expect(await world.read('Disputes', 'wasUpheld', [CONTRIBUTION, 1n])).toBe(true)
  })

  test('a contribution loses at most its stake', async () => {
    await open(CONTRIBUTION, 1n)
    const { events } = await resolve(true, 1_000n * ETHER)
    expect(events.find(({ name }) => name === 'DisputeResolved')?.args).toEqual({
      disputeId: 1n,
      outcome: 1,
      slashed: STAKE,
    })
    expect(events.find(({ name }) => name === 'Slashed')?.args).toMatchObject({ subjectId: 1n, amount: STAKE })
  })

  test('a judgement costs its validator, by the timelock', async () => {
    await open(JUDGEMENT, judged)
    const { events } = await resolve(true, 10n * ETHER)
    expect(events.find(({ name }) => name === 'Slashed')?.args).toEqual({
      account: BOB.address.toLowerCase(),
      subjectId: judged,
      role: 'validator',
      amount: 10n * ETHER,
      evidenceHash: EVIDENCE,
    })
    expect((await world.read('FeedbackPool', 'validators', [BOB.address]))[0]).toBe(90n * ETHER)
  })

  test('a version is rolled back, serving or not, and nothing is slashed', async () => {
    await evaluate(world, versionId, OPERATOR.address)
    await world.send(STRANGER, 'ModelRegistry', 'promote', [versionId])
    await open(VERSION, versionId)
    expect(await resolveError(true, 1n)).toBe('Disputes.NothingToSlash')
    const { events } = await resolve(true, 0n)
    expect(events[0]).toMatchObject({ name: 'VersionRolledBack', args: { versionId, reason: 'dispute 1' } })
    expect(await world.read('ModelRegistry', 'liveVersion', [modelId])).toBe(0n)
    expect(await openError(VERSION, versionId)).toBe('Disputes.AlreadyDisputed')
  })

  test('a version that was rolled back in the meantime still returns the bond', async () => {
    await open(VERSION, versionId)
    await world.send(timelock, 'ModelRegistry', 'rollback', [versionId, 'regression'])
    expect(await moved(() => resolve(true, 0n))).toEqual([BOND, 0n])
    const next = await version(world, modelId, OPERATOR.address)
    await world.send(timelock, 'ModelRegistry', 'rollback', [next, 'regression'])
    expect(await openError(VERSION, next)).toBe('Disputes.UnknownSubject')
  })
})

describe('while a dispute is open', () => {
  test('the contribution’s stake stays', async () => {
    await world.send(OPERATOR, 'DatanetRegistry', 'score', [[1n], [1], [1], [1], ['fine']])
    await open(CONTRIBUTION, 1n)
    await world.warp(1_000)
    const withdraw = async () => (await world.errorOf(ALICE, 'DatanetRegistry', 'withdrawStake', [[1n]])).name
    expect(await withdraw()).toBe('DatanetRegistry.Disputed')
    await resolve(false, 0n)
    expect(await withdraw()).toBe('DatanetRegistry.Disputed')
    await world.warp(SETTINGS.reopenTime)
    expect(await withdraw()).toBe('none')
  })

  test('the validator’s stake stays', async () => {
    await open(JUDGEMENT, judged)
    await world.warp(40 * 86_400)
    const unstake = async () => (await world.errorOf(BOB, 'FeedbackPool', 'unstake', [1n])).name
    expect(await unstake()).toBe('FeedbackPool.Disputed')
    await resolve(false, 0n)
    expect(await unstake()).toBe('FeedbackPool.Disputed')
    await world.warp(SETTINGS.reopenTime)
    expect(await unstake()).toBe('none')
  })
})

test('a judgement that was never revealed cannot be slashed', async () => {
  const disputes = await world.impersonate(world.at.Disputes)
  const { name } = await world.errorOf(disputes, 'FeedbackPool', 'slash', [1n, CAROL.address, 1n, EVIDENCE])
  expect(name).toBe('FeedbackPool.NoCommitment')
})
