import { type Address, encodeAbiParameters, type Hex, keccak256 } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import { commitAll, judgement, judgementCommitment, openRound, type Reveal, revealAll } from './judge.ts'
import { mandate, propose, version } from './mandate.ts'
import { restoreWorld } from './restoreWorld.ts'
import { ALICE, BOB, CAROL, ETHER, hashOf, OPERATOR, SIGNERS, STRANGER, startWorld, type World } from './world.ts'

const ZERO = `0x${'0'.repeat(64)}` as const
const EVIDENCE = hashOf('settlement')
const STAKE = 100n * ETHER
const POT = 9n * ETHER
const validators = [ALICE, BOB, CAROL]

let world: World
let modelId: bigint
let versionId: bigint
let tasks: [bigint, bigint]
beforeAll(async () => {
  world = await startWorld()
  modelId = await mandate(world)
  versionId = await version(world, modelId, OPERATOR.address)
  for (const { address } of validators) await world.send(address, 'FeedbackPool', 'stake', [STAKE])
  const first = await openRound(world, modelId, versionId, { count: 2, pot: POT })
  tasks = [first, first + 1n]
})
restoreWorld(() => world)

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
const settleError = async (ids: bigint[], rows: ReturnType<typeof row>[], evidence: Hex = EVIDENCE, roundId = 1n) =>
  (await world.errorOf(OPERATOR, 'FeedbackPool', 'settle', [roundId, ids, rows, evidence])).name
const settle = (ids: bigint[], rows: ReturnType<typeof row>[], evidence: Hex = EVIDENCE, roundId = 1n) =>
  world.send(OPERATOR, 'FeedbackPool', 'settle', [roundId, ids, rows, evidence])
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
    const open = async (model: bigint, inputs: (typeof input)[], commitBy: bigint, revealBy: bigint, seats = 60) =>
      (await world.errorOf(OPERATOR, 'FeedbackPool', 'openRound', [model, inputs, commitBy, revealBy, seats, ZERO]))
        .name
    expect(await open(modelId, [], now + 9n, now + 10n)).toBe('FeedbackPool.EmptyBatch')
    expect(await open(modelId, [input], now, now + 10n)).toBe('FeedbackPool.BadDeadlines')
    expect(await open(modelId, [input], now + 9n, now + 9n)).toBe('FeedbackPool.BadDeadlines')
    for (const seats of [0, 61])
      expect(await open(modelId, [input], now + 9n, now + 10n, seats)).toBe('FeedbackPool.BadSeats')
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

describe('a seat', () => {
  test('is drawn by a later block, and by the stake before the opening', async () => {
    await world.send(STRANGER, 'FeedbackPool', 'stake', [STAKE])
    expect(await world.read('FeedbackPool', 'hasSeat', [tasks[0], ALICE.address])).toBe(false)
    expect((await world.errorOf(STRANGER, 'FeedbackPool', 'drawSeats', [9n])).name).toBe('FeedbackPool.UnknownRound')
    const { events } = await world.send(STRANGER, 'FeedbackPool', 'drawSeats', [1n])
    const { seedBlock, seed } = await world.read('FeedbackPool', 'getRound', [1n])
    expect(events[0]).toMatchObject({ name: 'SeatsDrawn', args: { roundId: 1n, seed } })
    expect(seed).toBe((await world.client.getBlock({ blockNumber: BigInt(seedBlock) })).hash)
    expect((await world.errorOf(STRANGER, 'FeedbackPool', 'drawSeats', [1n])).name).toBe('FeedbackPool.AlreadyDrawn')
    expect(await world.read('FeedbackPool', 'hasSeat', [tasks[0], ALICE.address])).toBe(true)
    // Who staked after the opening has no seat in this round, whatever its address.
    expect(await world.read('FeedbackPool', 'hasSeat', [tasks[0], STRANGER.address])).toBe(false)
    const commitment = judgementCommitment(STRANGER.address, judgement(tasks[0]))
    expect(await commitError([tasks[0]], [commitment], STRANGER.address)).toBe('FeedbackPool.NoSeat')
    const later = await openRound(world, modelId, versionId)
    expect(
      await commitError([later], [judgementCommitment(STRANGER.address, judgement(later))], STRANGER.address),
    ).toBe('none')
  })

  test('is of the smaller of the stakes at the opening and now', async () => {
    await world.send(ALICE, 'FeedbackPool', 'unstake', [ETHER])
    const { events } = await world.send(ALICE, 'FeedbackPool', 'commit', [
      [tasks[0]],
      [judgementCommitment(ALICE.address, judgement(tasks[0]))],
    ])
    expect(events.map(({ name }) => name)).toEqual(['SeatsDrawn', 'FeedbackCommitted'])
    expect(events[1]).toMatchObject({ args: { seatStake: STAKE - ETHER, stage: 0 } })
  })

  test('waits for its block, and is drawn by a later one when nobody asked for 256 blocks', async () => {
    const first = await openRound(world, modelId, versionId)
    await world.mine(300)
    const commitment = judgementCommitment(ALICE.address, judgement(first))
    expect(await commitError([first], [commitment])).toBe('FeedbackPool.DrawPending')
    const { events } = await world.send(STRANGER, 'FeedbackPool', 'drawSeats', [2n])
    expect(events[0]).toMatchObject({ name: 'DrawPostponed', args: { roundId: 2n } })
    expect((await world.errorOf(STRANGER, 'FeedbackPool', 'drawSeats', [2n])).name).toBe('FeedbackPool.DrawPending')
    await world.mine()
    expect((await world.send(STRANGER, 'FeedbackPool', 'drawSeats', [2n])).events[0]).toMatchObject({
      name: 'SeatsDrawn',
    })
  })

  test('is more likely from stage to stage, while a task has too few commitments', async () => {
    await world.send(ALICE, 'FeedbackPool', 'commit', [
      [tasks[0]],
      [judgementCommitment(ALICE.address, judgement(tasks[0]))],
    ])
    const count = 8 // that all have a seat at each of them by chance: once in 27⁸ draws
    const few = await openRound(world, modelId, versionId, { seats: 1, count })
    await world.send(STRANGER, 'FeedbackPool', 'drawSeats', [2n])
    const seated = async () => {
      const ids = Array.from({ length: count }, (_, i) => few + BigInt(i))
      const all = ids.flatMap((id) =>
        validators.map(({ address }) => world.read('FeedbackPool', 'hasSeat', [id, address])),
      )
      return (await Promise.all(all)).filter(Boolean).length
    }
    const before = await seated()
    await world.warp(13) // stage 2: the chance is four thirds
    expect(await world.read('FeedbackPool', 'stageAt', [2n, BigInt(await world.now())])).toBe(2n)
    expect(before).toBeLessThan(3 * count)
    expect(await seated()).toBe(3 * count)
    const { events } = await world.send(BOB, 'FeedbackPool', 'commit', [
      [few],
      [judgementCommitment(BOB.address, judgement(few))],
    ])
    expect(events[0]).toMatchObject({ name: 'FeedbackCommitted', args: { stage: 2 } })
  })
})

test('a task takes four commitments for each seat', async () => {
  const crowd = SIGNERS.slice(-5).map(({ address }) => address)
  for (const address of crowd) {
    await world.rpc('anvil_setBalance', [address, `0x${(10n * ETHER).toString(16)}`])
    await world.send(address, 'GOpen', 'deposit', [], 5n * ETHER)
    await world.send(address, 'GOpen', 'approve', [world.at.FeedbackPool, 5n * ETHER])
    await world.send(address, 'FeedbackPool', 'stake', [5n * ETHER])
  }
  for (const { address } of validators) await world.send(address, 'FeedbackPool', 'unstake', [STAKE])
  const task = await openRound(world, modelId, versionId, { seats: 1 })
  await world.warp(50) // a late stage: each has a seat
  const commit = (address: Address) => [[task], [judgementCommitment(address, judgement(task))]] as const
  for (const address of crowd.slice(0, 4)) await world.send(address, 'FeedbackPool', 'commit', commit(address))
  const last = crowd[4] as Address
  expect(await commitError([task], [judgementCommitment(last, judgement(task))], last)).toBe('FeedbackPool.TaskFull')
})

describe('the gold of a round', () => {
  const SECRET = hashOf('the key of the gold tasks')
  const SEALED = keccak256(encodeAbiParameters([{ type: 'bytes32' }], [SECRET]))
  const openGold = async (secret: Hex) => (await world.errorOf(STRANGER, 'FeedbackPool', 'openGold', [2n, secret])).name

  test('is opened after the reveals, before the settlement', async () => {
    const task = await openRound(world, modelId, versionId, { gold: SEALED })
    expect(await openGold(SECRET)).toBe('FeedbackPool.RoundStillOpen')
    await world.warp(201)
    expect(await settleError([task], [], EVIDENCE, 2n)).toBe('FeedbackPool.GoldStillSealed')
    expect(await openGold(EVIDENCE)).toBe('FeedbackPool.GoldMismatch')
    const { events } = await world.send(STRANGER, 'FeedbackPool', 'openGold', [2n, SECRET])
    expect(events[0]).toMatchObject({ name: 'GoldOpened', args: { roundId: 2n, secret: SECRET } })
    expect(await openGold(SECRET)).toBe('FeedbackPool.GoldMismatch')
    expect(await settleError([task], [], EVIDENCE, 2n)).toBe('none')
  })

  test('holds nobody’s stake and pot for longer than the settlement window', async () => {
    const task = await openRound(world, modelId, versionId, { gold: SEALED, pot: 5n })
    await world.warp(100 + 30 * 86_400)
    expect(await settleError([task], [], EVIDENCE, 2n)).toBe('FeedbackPool.GoldStillSealed')
    await world.warp(200)
    expect((await settle([task], [], EVIDENCE, 2n)).events.map(({ name }) => name)).toContain('TaskSettled')
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
    expect(events).toContainEqual(expect.objectContaining({ name: 'RoundSettled', args: { roundId: 1n } }))
    // What is left: the stakes and Bob's reward.
    expect(await world.balance(world.at.FeedbackPool)).toBe(3n * STAKE - 5n * ETHER + 4n * ETHER)
  })

  test('waits for the reveals and happens once', async () => {
    await commitAll(world, [ALICE], [tasks[0]])
    expect(await settleError([tasks[0]], [row(tasks[0], ALICE.address)])).toBe('FeedbackPool.RoundStillOpen')
    await world.warp(201)
    expect(await settleError([9n], [])).toBe('FeedbackPool.UnknownTask')
    expect(await settleError([tasks[0]], [], EVIDENCE, 9n)).toBe('FeedbackPool.UnknownRound')
    await settle([tasks[0]], [row(tasks[0], ALICE.address)])
    expect(await settleError([tasks[0]], [])).toBe('FeedbackPool.AlreadySettled')
    expect(await settleError([tasks[1], tasks[1]], [])).toBe('FeedbackPool.AlreadySettled')
    const other = await openRound(world, modelId, versionId)
    await world.warp(201)
    expect(await settleError([other], [])).toBe('FeedbackPool.TaskNotInRound')
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
    const taken = async (settledTasks: bigint[], rows: ReturnType<typeof fine>, evidence?: Hex) => {
      const before = await world.read('FeedbackPool', 'stakeOf', [CAROL.address])
      const { events } = await settle(settledTasks, rows, evidence)
      const told = events.reduce((sum, one) => (one.name === 'FeedbackSettled' ? sum + one.args.penalty : sum), 0n)
      expect(before - (await world.read('FeedbackPool', 'stakeOf', [CAROL.address]))).toBe(told)
      return told
    }
    await world.undone(async () => expect(await taken([tasks[0]], fine(tasks[0], most + 1n))).toBe(most))
    await world.undone(async () =>
      expect(await taken(tasks, [...fine(tasks[0], most), ...fine(tasks[1], 1n)])).toBe(most),
    )
    expect(await taken([tasks[0]], fine(tasks[0], most - 1n))).toBe(most - 1n)
    expect(await taken([tasks[1]], fine(tasks[1], 2n), hashOf('other evidence'))).toBe(1n)
  })

  test('of whom another round has fined meanwhile is paid to the others, and takes no more than the stake', async () => {
    await judged()
    const all = await world.read('FeedbackPool', 'stakeOf', [CAROL.address])
    const rows = [row(tasks[0], ALICE.address, 1n), row(tasks[0], BOB.address), row(tasks[0], CAROL.address, 0n, all)]
    await settle([tasks[0]], rows)
    expect(await world.read('FeedbackPool', 'rewards', [ALICE.address])).toBe(1n)
    expect(await world.read('FeedbackPool', 'stakeOf', [CAROL.address])).toBe(all - all / 20n)
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
