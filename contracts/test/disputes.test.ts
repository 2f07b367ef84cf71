import type { Address, Hex } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { contentsOf, contribute } from './batch.ts'
import { commitAll, openTasks, revealAll } from './judge.ts'
import { evaluate, mandate, version } from './mandate.ts'
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
let clean: Hex
beforeAll(async () => {
  world = await startWorld()
  modelId = await mandate(world)
  versionId = await version(world, modelId, OPERATOR.address)
  await world.send(PROPOSER, 'DatanetRegistry', 'createDatanet', [modelId, 'CC0-1.0', 0n])
  await contribute(world, {
    datanetId: 1n,
    contributor: ALICE.address,
    contents: contentsOf('sample', 2),
    stakeEach: STAKE,
    salt: hashOf('salt'),
    deadline: BigInt(GENESIS + 100_000),
  })
  await world.send(BOB, 'FeedbackPool', 'stake', [100n * ETHER])
  await world.send(CAROL, 'FeedbackPool', 'stake', [100n * ETHER])
  const task = await openTasks(world, modelId, versionId, 1, 0n)
  await commitAll(world, [BOB, CAROL], [task])
  await world.warp(101)
  await revealAll(world, [BOB], [task])
  await world.warp(101)
  judged = (task << 160n) | BigInt(BOB.address)
  timelock = await world.impersonate(world.at.TimelockController)
})
afterAll(() => world?.anvil.stop())
beforeEach(async () => {
  clean = await world.snapshot()
})
afterEach(() => world.revert(clean))

const open = (kind: number, id: bigint) => world.send(STRANGER, 'Disputes', 'open', [kind, id, EVIDENCE])
const openError = async (kind: number, id: bigint, evidence: Hex = EVIDENCE) =>
  (await world.errorOf(STRANGER, 'Disputes', 'open', [kind, id, evidence])).name
const resolve = (upheld: boolean, slash: bigint, from: Address = RESOLVER.address, id = 1n) =>
  world.send(from, 'Disputes', 'resolve', [id, upheld, slash])
const resolveError = async (upheld: boolean, slash: bigint, from: Address = RESOLVER.address, id = 1n) =>
  (await world.errorOf(from, 'Disputes', 'resolve', [id, upheld, slash])).name
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

  test('is resolved once, by the account with that right', async () => {
    await open(CONTRIBUTION, 1n)
    await open(JUDGEMENT, judged)
    expect(await resolveError(false, 0n, STRANGER.address)).toBe('Disputes.MayNotResolve')
    expect(await resolveError(false, 0n, RESOLVER.address, 2n)).toBe('Disputes.MayNotResolve')
    expect(await resolveError(false, 0n, RESOLVER.address, 9n)).toBe('Disputes.UnknownDispute')
    expect(await resolveError(false, 1n)).toBe('Disputes.NothingToSlash')
    await resolve(false, 0n)
    expect(await resolveError(false, 0n)).toBe('Disputes.AlreadyResolved')
    await resolve(false, 0n, timelock, 2n)
  })

  test('that is rejected leaves its bond to the treasury and may be opened again', async () => {
    await open(CONTRIBUTION, 1n)
    expect(await moved(() => resolve(false, 0n))).toEqual([0n, BOND])
    expect(await openError(CONTRIBUTION, 1n)).toBe('none')
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
    const { events } = await resolve(true, 10n * ETHER, timelock)
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
    expect(await withdraw()).toBe('none')
  })

  test('the validator’s stake stays', async () => {
    await open(JUDGEMENT, judged)
    await world.warp(40 * 86_400)
    const unstake = async () => (await world.errorOf(BOB, 'FeedbackPool', 'unstake', [1n])).name
    expect(await unstake()).toBe('FeedbackPool.Disputed')
    await resolve(false, 0n, timelock)
    expect(await unstake()).toBe('none')
  })
})

test('a judgement that was never revealed cannot be slashed', async () => {
  const disputes = await world.impersonate(world.at.Disputes)
  const { name } = await world.errorOf(disputes, 'FeedbackPool', 'slash', [1n, CAROL.address, 1n, EVIDENCE])
  expect(name).toBe('FeedbackPool.NoCommitment')
})
