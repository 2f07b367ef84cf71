import { encodeFunctionData, type Hex } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import { contracts } from '../events.ts'
import { contentsOf, submitBatch } from './batch.ts'
import { type Actions, lockVotes, mandate, TERMS } from './mandate.ts'
import { fundEpoch, publicationOf, treeOf } from './publication.ts'
import { restoreWorld } from './restoreWorld.ts'
import {
  ALICE,
  BOB,
  CAROL,
  ETHER,
  GENESIS,
  GUARDIAN,
  HOLDER,
  hashOf,
  OPERATOR,
  PROPOSER,
  RESOLVER,
  SETTINGS,
  STRANGER,
  startWorld,
  type World,
} from './world.ts'

/** What the thief of one key can take, and what stops it (amendment 10b). */

const [CONTRIBUTION, REWARD_MAP] = [0, 3]
const DAILY_PERCENT = 10n
const DAY = 86_400
const EVIDENCE = hashOf('evidence')

let world: World
let modelId: bigint
beforeAll(async () => {
  world = await startWorld({ dailySpendPercent: Number(DAILY_PERCENT), challengeWindow: 5_000 })
  modelId = await mandate(world)
  await lockVotes(world, [ALICE])
  await world.send(PROPOSER, 'DatanetRegistry', 'createDatanet', [modelId, 'CC0-1.0', 0n, 0])
  await submitBatch(world, {
    datanetId: 1n,
    contributor: BOB.address,
    contents: contentsOf('sample', 3),
    stakeEach: ETHER,
    salt: hashOf('salt'),
    deadline: BigInt(GENESIS + 100_000),
  })
})
restoreWorld(() => world)

const spend = (amount: bigint) =>
  world.send(OPERATOR, 'ModelRegistry', 'spendBudget', [modelId, OPERATOR.address, 'theft', amount])
const spendError = async (amount: bigint) =>
  world.errorOf(OPERATOR, 'ModelRegistry', 'spendBudget', [modelId, OPERATOR.address, 'theft', amount])
const beginDay = async () => world.warp(DAY - ((await world.now()) % DAY))

/** Takes a proposal through vote and timelock. @returns the arguments of `queue` */
async function queued(actions: Actions) {
  const [targets, values, calldatas, description] = actions
  const args = [targets, values, calldatas, hashOf(description)] as const
  await world.send(ALICE, 'ModelGovernor', 'propose', [...actions])
  await world.warp(SETTINGS.votingDelay + 1)
  const id = await world.read('ModelGovernor', 'getProposalId', args)
  await world.send(ALICE, 'ModelGovernor', 'castVote', [id, 1])
  await world.send(HOLDER, 'ModelGovernor', 'castVote', [id, 1])
  await world.warp(SETTINGS.votingPeriod + 1)
  await world.send(HOLDER, 'ModelGovernor', 'queue', args)
  return args
}

/** Publishes a map over 100 wei that pays all to one account. */
async function publishFor(account: Hex) {
  await fundEpoch(world, 100n)
  const tree = treeOf(world, 1n, [[account, 100n]])
  await world.send(OPERATOR, 'RewardDistributor', 'publish', await publicationOf(world, 1n, tree.root, 100n))
  return [1n, account, 100n, tree.proof(0)] as const
}

describe('the operator’s key', () => {
  test('spends at most the day’s share of a mandate’s budget', async () => {
    await beginDay()
    const share = (TERMS.budget * DAILY_PERCENT) / 100n
    expect(await spendError(TERMS.budget)).toEqual({
      name: 'ModelRegistry.ExceedsDailyCap',
      args: [TERMS.budget, share],
    })
    await spend(share - 1n)
    await spend(1n)
    expect((await spendError(1n)).args).toEqual([1n, 0n])
    await world.warp(DAY)
    expect((await spendError(share + 1n)).name).toBe('ModelRegistry.ExceedsDailyCap')
    expect((await spendError(share)).name).toBe('none')
  })

  test('counts what a mandate holds when that is more than its budget', async () => {
    await beginDay()
    await world.send(CAROL, 'ModelRegistry', 'fundMandate', [modelId, ETHER])
    expect((await spendError(TERMS.budget)).args[1]).toBe(((TERMS.budget + ETHER) * DAILY_PERCENT) / 100n)
  })

  test('publishes a root that pays itself, and cannot reject the dispute about it: nothing is paid', async () => {
    const claim = await publishFor(OPERATOR.address)
    await world.send(STRANGER, 'Disputes', 'open', [REWARD_MAP, 1n, EVIDENCE])
    for (const functionName of ['rule', 'resolve'] as const)
      expect((await world.errorOf(OPERATOR, 'Disputes', functionName, [1n, false, 0n])).name).toMatch(
        /^Disputes\.(AccessControlUnauthorizedAccount|MayNotResolve)$/,
      )
    await world.warp(50_000)
    expect((await world.errorOf(OPERATOR, 'RewardDistributor', 'claim', claim)).name).toBe('RewardDistributor.NotFinal')
    await world.send(RESOLVER, 'Disputes', 'rule', [1n, true, 0n])
    await world.warp(SETTINGS.appealTime)
    await world.send(STRANGER, 'Disputes', 'enforce', [1n])
    expect(await world.read('RewardDistributor', 'lastEpoch', [])).toBe(0n)
  })
})

describe('the resolver’s key', () => {
  test('rejects three honest disputes at once: one vote within the appeal time reverses all of them', async () => {
    for (const id of [1n, 2n, 3n]) await world.send(CAROL, 'Disputes', 'open', [CONTRIBUTION, id, EVIDENCE])
    for (const id of [1n, 2n, 3n]) await world.send(RESOLVER, 'Disputes', 'rule', [id, false, 0n])
    const uphold = (id: bigint) =>
      encodeFunctionData({ abi: contracts.Disputes.abi, functionName: 'resolve', args: [id, true, ETHER] })
    const { Disputes } = world.at
    const calls = [1n, 2n, 3n].map(uphold)
    const args = await queued([[Disputes, Disputes, Disputes], [0n, 0n, 0n], calls, 'Honest after all'])
    await world.warp(SETTINGS.timelockDelay)
    expect((await world.errorOf(STRANGER, 'Disputes', 'enforce', [1n])).name).toBe('Disputes.NotDue')
    const before = await world.balance(CAROL.address)
    await world.send(HOLDER, 'ModelGovernor', 'execute', args)
    expect(await world.balance(CAROL.address)).toBeGreaterThan(before + 3n * SETTINGS.minDisputeBond)
    for (const id of [1n, 2n, 3n]) expect(await world.read('Disputes', 'wasUpheld', [CONTRIBUTION, id])).toBe(true)
  })

  test('publishes, scores and spends nothing', async () => {
    const refused = async (call: Promise<{ name: string }>) => (await call).name.split('.')[1]
    expect(
      await refused(world.errorOf(RESOLVER, 'ModelRegistry', 'spendBudget', [modelId, RESOLVER.address, 'theft', 1n])),
    ).toBe('AccessControlUnauthorizedAccount')
    expect(await refused(world.errorOf(RESOLVER, 'DatanetRegistry', 'score', [[], [], [], [], []]))).toBe(
      'AccessControlUnauthorizedAccount',
    )
  })
})

describe('the guardian', () => {
  test('holds spending, claims and verdicts still', async () => {
    const claim = await publishFor(ALICE.address)
    await world.send(CAROL, 'Disputes', 'open', [CONTRIBUTION, 1n, EVIDENCE])
    await world.send(RESOLVER, 'Disputes', 'rule', [1n, true, ETHER])
    await world.warp(5_000)
    await world.send(GUARDIAN, 'Guardian', 'pause', [])
    expect((await spendError(1n)).name).toBe('ModelRegistry.GuardianPaused')
    expect((await world.errorOf(ALICE, 'RewardDistributor', 'claim', claim)).name).toBe(
      'RewardDistributor.GuardianPaused',
    )
    expect((await world.errorOf(STRANGER, 'Disputes', 'enforce', [1n])).name).toBe('Disputes.GuardianPaused')
    await world.warp(SETTINGS.pauseTime)
    expect((await spendError(1n)).name).toBe('none')
    expect((await world.errorOf(ALICE, 'RewardDistributor', 'claim', claim)).name).toBe('none')
    expect((await world.errorOf(STRANGER, 'Disputes', 'enforce', [1n])).name).toBe('none')
  })

  test('pauses for at most a third of any time', async () => {
    const pauseError = async () => (await world.errorOf(GUARDIAN, 'Guardian', 'pause', [])).name
    await world.send(GUARDIAN, 'Guardian', 'pause', [])
    await world.send(GUARDIAN, 'Guardian', 'unpause', [])
    expect(await world.read('Guardian', 'isPaused', [])).toBe(false)
    expect(await pauseError()).toBe('Guardian.PausedTooRecently')
    await world.warp(3 * SETTINGS.pauseTime - 3)
    expect(await pauseError()).toBe('Guardian.PausedTooRecently')
    await world.warp(1)
    expect(await pauseError()).toBe('none')
  })

  test('cancels a queued proposal, but not one that replaces it', async () => {
    const trainer = await world.read('ModelRegistry', 'TRAINER_ROLE', [])
    const { ModelRegistry, Guardian } = world.at
    const grant = encodeFunctionData({
      abi: contracts.ModelRegistry.abi,
      functionName: 'grantRole',
      args: [trainer, STRANGER.address],
    })
    const raid = await queued([[ModelRegistry], [0n], [grant], 'A raid'])
    expect((await world.errorOf(STRANGER, 'Guardian', 'cancel', raid)).name).toBe('Guardian.NotGuardian')
    await world.send(GUARDIAN, 'Guardian', 'cancel', raid)
    await world.warp(SETTINGS.timelockDelay)
    expect((await world.errorOf(HOLDER, 'ModelGovernor', 'execute', raid)).name).toBe(
      'ModelGovernor.GovernorUnexpectedProposalState',
    )
    const setGuardian = encodeFunctionData({
      abi: contracts.Guardian.abi,
      functionName: 'setGuardian',
      args: [CAROL.address],
    })
    const replacement = await queued([[Guardian], [0n], [setGuardian], 'Another guardian'])
    expect((await world.errorOf(GUARDIAN, 'Guardian', 'cancel', replacement)).name).toBe('Guardian.CannotKeepOffice')
    await world.warp(SETTINGS.timelockDelay)
    await world.send(HOLDER, 'ModelGovernor', 'execute', replacement)
    expect(await world.read('Guardian', 'guardian', [])).toBe(CAROL.address)
    expect((await world.errorOf(GUARDIAN, 'Guardian', 'pause', [])).name).toBe('Guardian.NotGuardian')
  })

  test('takes nothing: its key moves no money and holds no role', async () => {
    expect((await world.errorOf(GUARDIAN, 'Guardian', 'setGuardian', [GUARDIAN.address])).name).toBe(
      'Guardian.OnlyTimelock',
    )
    expect((await world.errorOf(GUARDIAN, 'Disputes', 'resolve', [1n, true, 0n])).name).toBe('Disputes.UnknownDispute')
    expect((await world.errorOf(GUARDIAN, 'Treasury', 'pay', [GUARDIAN.address, 1n])).name).toBe(
      'Treasury.OwnableUnauthorizedAccount',
    )
  })
})
