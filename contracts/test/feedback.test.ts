import type { Address, Hex } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { commitAll, judgement, judgementCommitment, openTasks, type Reveal, revealAll } from './judge.ts'
import { mandate, propose, version } from './mandate.ts'
import { ALICE, BOB, CAROL, ETHER, hashOf, OPERATOR, STRANGER, startWorld, type World } from './world.ts'

const ZERO = `0x${'0'.repeat(64)}` as const
const EVIDENCE = hashOf('settlement')
const STAKE = 100n * ETHER
const POT = 9n * ETHER
const validators = [ALICE, BOB, CAROL]

let world: World
let modelId: bigint
let versionId: bigint
let tasks: [bigint, bigint]
let clean: Hex
beforeAll(async () => {
  world = await startWorld()
  modelId = await mandate(world)
  versionId = await version(world, modelId, OPERATOR.address)
  for (const { address } of validators) await world.send(address, 'FeedbackPool', 'stake', [STAKE])
  const first = await openTasks(world, modelId, versionId, 2, POT)
  tasks = [first, first + 1n]
})
afterAll(() => world?.anvil.stop())
beforeEach(async () => {
  clean = await world.snapshot()
})
afterEach(() => world.revert(clean))

const commitError = async (ids: bigint[], commitments: Hex[], from: Address = ALICE.address) =>
  (await world.errorOf(from, 'FeedbackPool', 'commit', [ids, commitments])).name
const revealError = async (reveals: Reveal[], from: Address = ALICE.address) =>
  (await world.errorOf(from, 'FeedbackPool', 'reveal', [reveals])).name
const unstakeError = async (amount: bigint) => (await world.errorOf(ALICE, 'FeedbackPool', 'unstake', [amount])).name
const row = (taskId: bigint, validator: Address, reward = 0n, penalty = 0n, score = 500_000) => ({
  taskId,
  validator,
  score,
  reward,
  penalty,
})
const settleError = async (ids: bigint[], rows: ReturnType<typeof row>[], evidence: Hex = EVIDENCE) =>
  (await world.errorOf(OPERATOR, 'FeedbackPool', 'settle', [ids, rows, evidence])).name
const settle = (ids: bigint[], rows: ReturnType<typeof row>[], evidence: Hex = EVIDENCE) =>
  world.send(OPERATOR, 'FeedbackPool', 'settle', [ids, rows, evidence])
/** Everybody commits to both tasks; Alice and Bob reveal; the reveals are over. */
const judged = async () => {
  await commitAll(world, validators, tasks)
  await world.warp(101)
  await revealAll(world, [ALICE, BOB], tasks)
  await world.warp(100)
}
const everybody = (taskId: bigint) => validators.map(({ address }) => row(taskId, address))
const stakeOf = async (address: Address) => (await world.read('FeedbackPool', 'validators', [address]))[0]

describe('a validator', () => {
  test('stakes and unstakes the free amount', async () => {
    expect(await unstakeError(STAKE + 1n)).toBe('FeedbackPool.InsufficientStake')
    expect(await unstakeError(0n)).toBe('FeedbackPool.ZeroAmount')
    expect((await world.errorOf(ALICE, 'FeedbackPool', 'stake', [0n])).name).toBe('FeedbackPool.ZeroAmount')
    const { events } = await world.send(ALICE, 'FeedbackPool', 'unstake', [STAKE])
    expect(events[0]).toMatchObject({ name: 'ValidatorUnstaked', args: { amount: STAKE } })
    expect(await stakeOf(ALICE.address)).toBe(0n)
  })

  test('is locked until the commitments are settled, or nobody settled them for 30 days', async () => {
    await commitAll(world, [ALICE], tasks)
    expect(await unstakeError(1n)).toBe('FeedbackPool.CommitmentsOpen')
    await world.warp(201)
    await settle([tasks[0]], [row(tasks[0], ALICE.address)])
    expect(await unstakeError(1n)).toBe('FeedbackPool.CommitmentsOpen')
    const after = await world.snapshot()
    await settle([tasks[1]], [row(tasks[1], ALICE.address)])
    expect(await unstakeError(1n)).toBe('none')
    await world.revert(after)
    await world.warp(30 * 86_400)
    expect(await unstakeError(1n)).toBe('none')
  })
})

describe('a task', () => {
  test('is opened with its pot by the settler', async () => {
    expect(await world.balance(world.at.FeedbackPool)).toBe(3n * STAKE + 2n * POT)
    const now = BigInt(await world.now())
    const input = { versionId, domain: 'support', itemHash: hashOf('i'), pot: 1n }
    const open = async (model: bigint, inputs: (typeof input)[], commitBy: bigint, revealBy: bigint) =>
      (await world.errorOf(OPERATOR, 'FeedbackPool', 'openTasks', [model, inputs, commitBy, revealBy])).name
    expect(await open(modelId, [], now + 9n, now + 10n)).toBe('FeedbackPool.EmptyBatch')
    expect(await open(modelId, [input], now, now + 10n)).toBe('FeedbackPool.BadDeadlines')
    expect(await open(modelId, [input], now + 9n, now + 9n)).toBe('FeedbackPool.BadDeadlines')
    const next = await propose(world)
    expect(await open(next.modelId, [input], now + 90n, now + 91n)).toBe('FeedbackPool.NotIssued')
    expect(await open(modelId, [{ ...input, versionId: 9n }], now + 90n, now + 91n)).toBe(
      'FeedbackPool.VersionNotOfModel',
    )
    expect(await open(modelId, [{ ...input, itemHash: ZERO }], now + 90n, now + 91n)).toBe('FeedbackPool.EmptyHash')
    expect(await open(modelId, [{ ...input, pot: 2n ** 96n }], now + 90n, now + 91n)).toBe(
      'FeedbackPool.SafeCastOverflowedUintDowncast',
    )
    expect(await open(modelId, [{ ...input, pot: 1_000n * ETHER }], now + 90n, now + 91n)).toBe(
      'GOpen.ERC20InsufficientBalance',
    )
  })
})

describe('a commitment', () => {
  test('is refused without stake, late, twice, or for an unknown task', async () => {
    const commitment = judgementCommitment(ALICE.address, judgement(tasks[0]))
    expect(await commitError([], [])).toBe('FeedbackPool.EmptyBatch')
    expect(await commitError([tasks[0]], [])).toBe('FeedbackPool.LengthMismatch')
    expect(await commitError([9n], [commitment])).toBe('FeedbackPool.UnknownTask')
    expect(await commitError([tasks[0]], [`0x${'3'.padStart(64, '0')}`])).toBe('FeedbackPool.BadCommitment')
    expect(await commitError([tasks[0]], [commitment], STRANGER.address)).toBe('FeedbackPool.StakeTooSmall')
    expect(await commitError([tasks[0], tasks[0]], [commitment, commitment])).toBe('FeedbackPool.AlreadyCommitted')
    await commitAll(world, [ALICE], [tasks[0]])
    expect(await commitError([tasks[0]], [commitment])).toBe('FeedbackPool.AlreadyCommitted')
    await world.warp(101)
    expect(await commitError([tasks[1]], [commitment])).toBe('FeedbackPool.CommitsOver')
  })
})

describe('a reveal', () => {
  test('opens exactly what was committed, in its time, once', async () => {
    await commitAll(world, [ALICE], [tasks[0]])
    const mine = judgement(tasks[0])
    expect(await revealError([mine])).toBe('FeedbackPool.RevealsNotOpen')
    await world.warp(101)
    expect(await revealError([])).toBe('FeedbackPool.EmptyBatch')
    expect(await revealError([judgement(9n)])).toBe('FeedbackPool.UnknownTask')
    expect(await revealError([judgement(tasks[1])])).toBe('FeedbackPool.RevealMismatch')
    expect(await revealError([mine], BOB.address)).toBe('FeedbackPool.RevealMismatch')
    for (const over of [
      { choice: 0 },
      { ethics: 91 },
      { logic: 81 },
      { functional: 71 },
      { confidence: 61 },
      { salt: ZERO },
    ])
      expect(await revealError([{ ...mine, ...over }])).toBe('FeedbackPool.RevealMismatch')
    for (const over of [{ choice: 3 }, { ethics: 101 }, { logic: 101 }, { functional: 101 }, { confidence: 101 }])
      expect(await revealError([{ ...mine, ...over }])).toBe('FeedbackPool.BadJudgement')
    const { events } = await world.send(ALICE, 'FeedbackPool', 'reveal', [[mine]])
    expect(events[0]).toMatchObject({ name: 'FeedbackRevealed', args: { choice: 1, ethics: 90, confidence: 60 } })
    expect(await revealError([mine])).toBe('FeedbackPool.RevealMismatch')
    await world.warp(100)
    expect(await revealError([mine])).toBe('FeedbackPool.RevealsOver')
  })

  test('of a commitment copied from another validator fails', async () => {
    await commitAll(world, [ALICE], [tasks[0]])
    const copied = judgementCommitment(ALICE.address, judgement(tasks[0]))
    await world.send(BOB, 'FeedbackPool', 'commit', [[tasks[0]], [copied]])
    await world.warp(101)
    expect(await revealError([judgement(tasks[0])], BOB.address)).toBe('FeedbackPool.RevealMismatch')
  })
})

describe('a settlement', () => {
  test('pays from the pot, fines to the treasury, returns the rest to the mandate', async () => {
    await judged()
    const funds = async () => (await world.read('ModelRegistry', 'getModel', [modelId]))[0].funds
    const before = await funds()
    const { events } = await settle(tasks, [
      row(tasks[0], ALICE.address, 5n * ETHER),
      row(tasks[0], BOB.address, 4n * ETHER),
      row(tasks[0], CAROL.address, 0n, 2n * ETHER),
      row(tasks[1], ALICE.address, 1n),
      row(tasks[1], BOB.address),
      row(tasks[1], CAROL.address, 0n, 3n * ETHER),
    ])
    expect(events.filter((event) => event.name === 'FeedbackSettled')).toHaveLength(6)
    expect(events.filter((event) => event.name === 'TaskSettled').map((event) => event.args)).toEqual([
      { taskId: tasks[0], paid: POT, returned: 0n, evidenceHash: EVIDENCE },
      { taskId: tasks[1], paid: 1n, returned: POT - 1n, evidenceHash: EVIDENCE },
    ])
    expect((await funds()) - before).toBe(POT - 1n)
    expect(await world.balance(world.at.Treasury)).toBe(5n * ETHER)
    expect(await stakeOf(CAROL.address)).toBe(STAKE - 5n * ETHER)
    const held = await world.balance(ALICE.address)
    await world.send(ALICE, 'FeedbackPool', 'withdrawRewards', [])
    expect((await world.balance(ALICE.address)) - held).toBe(5n * ETHER + 1n)
    expect((await world.errorOf(ALICE, 'FeedbackPool', 'withdrawRewards', [])).name).toBe(
      'FeedbackPool.NothingToWithdraw',
    )
    // What is left: the stakes and Bob's reward.
    expect(await world.balance(world.at.FeedbackPool)).toBe(3n * STAKE - 5n * ETHER + 4n * ETHER)
  })

  test('waits for the reveals and happens once', async () => {
    await commitAll(world, [ALICE], [tasks[0]])
    expect(await settleError([tasks[0]], [row(tasks[0], ALICE.address)])).toBe('FeedbackPool.TaskStillOpen')
    await world.warp(201)
    expect(await settleError([9n], [])).toBe('FeedbackPool.UnknownTask')
    await settle([tasks[0]], [row(tasks[0], ALICE.address)])
    expect(await settleError([tasks[0]], [])).toBe('FeedbackPool.AlreadySettled')
    expect(await settleError([tasks[1], tasks[1]], [])).toBe('FeedbackPool.AlreadySettled')
    // An old task's validators cannot be paid again by naming them beside another task.
    expect(await settleError([tasks[1]], [row(tasks[0], ALICE.address)])).toBe('FeedbackPool.NoCommitment')
  })

  test('names everybody who committed, exactly once, and nobody else', async () => {
    await judged()
    const [one, two] = tasks
    expect(await settleError([], [])).toBe('FeedbackPool.EmptyBatch')
    expect(await settleError([one], everybody(one), ZERO)).toBe('FeedbackPool.EmptyHash')
    expect(await settleError([one], everybody(one).slice(1))).toBe('FeedbackPool.ValidatorsMissing')
    expect(await settleError([one], [...everybody(one), row(one, ALICE.address)])).toBe('FeedbackPool.NoCommitment')
    expect(await settleError([one], [...everybody(one), row(one, STRANGER.address)])).toBe('FeedbackPool.NoCommitment')
    expect(await settleError([one], everybody(two))).toBe('FeedbackPool.TaskNotInCall')
    expect(await settleError([one], [row(9n, ALICE.address)])).toBe('FeedbackPool.UnknownTask')
  })

  test('never pays more than the pot, and nobody who did not reveal', async () => {
    await judged()
    const pay = (alice: bigint, bob: bigint, carol: bigint) =>
      settleError(
        [tasks[0]],
        [row(tasks[0], ALICE.address, alice), row(tasks[0], BOB.address, bob), row(tasks[0], CAROL.address, carol)],
      )
    expect(await pay(POT, 1n, 0n)).toBe('FeedbackPool.RewardsExceedPot')
    expect(await pay(2n ** 200n, 0n, 0n)).toBe('FeedbackPool.RewardsExceedPot')
    expect(await pay(1n, 1n, 1n)).toBe('FeedbackPool.RewardWithoutReveal')
    expect(await pay(POT - 1n, 1n, 0n)).toBe('none')
    expect(await settleError([tasks[0]], [row(tasks[0], ALICE.address, 0n, 0n, 1_000_001)])).toBe(
      'FeedbackPool.ValueTooLarge',
    )
  })

  test('takes at most 5 % of a stake, over all its calls', async () => {
    await judged()
    const most = STAKE / 20n
    const fine = (taskId: bigint, penalty: bigint) => [
      row(taskId, ALICE.address),
      row(taskId, BOB.address),
      row(taskId, CAROL.address, 0n, penalty),
    ]
    expect(await settleError([tasks[0]], fine(tasks[0], most + 1n))).toBe('FeedbackPool.PenaltyTooLarge')
    expect(await settleError(tasks, [...fine(tasks[0], most), ...fine(tasks[1], 1n)])).toBe(
      'FeedbackPool.PenaltyTooLarge',
    )
    await settle([tasks[0]], fine(tasks[0], most))
    expect(await settleError([tasks[1]], fine(tasks[1], 1n))).toBe('FeedbackPool.PenaltyTooLarge')
    expect(await settleError([tasks[1]], fine(tasks[1], 1n), hashOf('the next settlement'))).toBe('none')
  })
})

describe('a reputation', () => {
  test('is recorded per domain, within its range', async () => {
    const update = (accounts: Address[], values: number[], tiers: number[]) =>
      [accounts, 'support', values, tiers] as const
    const { events } = await world.send(OPERATOR, 'FeedbackPool', 'updateReputation', [
      ...update([ALICE.address, BOB.address], [800_000, 1_000_000], [2, 3]),
    ])
    expect(events[1]).toMatchObject({ name: 'ReputationUpdated', args: { value: 1_000_000, tier: 3 } })
    const error = async (...args: Parameters<typeof update>) =>
      (await world.errorOf(OPERATOR, 'FeedbackPool', 'updateReputation', update(...args))).name
    expect(await error([ALICE.address], [1_000_001], [1])).toBe('FeedbackPool.ValueTooLarge')
    expect(await error([ALICE.address], [], [1])).toBe('FeedbackPool.LengthMismatch')
    expect(await error([ALICE.address], [1], [])).toBe('FeedbackPool.LengthMismatch')
  })
})
