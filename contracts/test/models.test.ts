import type { Hex } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { evaluate, mandate, propose, RUBRIC, TERMS, version } from './mandate.ts'
import { restoreWorld } from './restoreWorld.ts'
import { ALICE, BOB, ETHER, GENESIS, hashOf, OPERATOR, STRANGER, startWorld, type World } from './world.ts'

const operator = OPERATOR.address
const DEADLINE = GENESIS + 20_000

let world: World
let modelId: bigint
beforeAll(async () => {
  world = await startWorld()
  modelId = await mandate(world, { deadline: BigInt(DEADLINE) })
})
restoreWorld(() => world)

const funds = async () => (await world.read('ModelRegistry', 'getModel', [modelId]))[0].funds
const pastDeadline = async () => world.warp(DEADLINE + 1 - (await world.now()))

describe('the budget', () => {
  const spend = (amount: bigint, id = modelId) =>
    world.errorOf(operator, 'ModelRegistry', 'spendBudget', [id, ALICE.address, 'bounty', amount])

  test('is spent by the trainer, within its funds and time', async () => {
    const before = await world.balance(ALICE.address)
    const { events } = await world.send(operator, 'ModelRegistry', 'spendBudget', [
      modelId,
      ALICE.address,
      'bounty',
      40n * ETHER,
    ])
    expect(events[0]).toMatchObject({
      name: 'BudgetSpent',
      args: { modelId, account: ALICE.address.toLowerCase(), purpose: 'bounty', amount: 40n * ETHER },
    })
    expect((await world.balance(ALICE.address)) - before).toBe(40n * ETHER)
    expect(await funds()).toBe(60n * ETHER)
    expect(await spend(60n * ETHER + 1n)).toEqual({
      name: 'ModelRegistry.InsufficientFunds',
      args: [60n * ETHER, 60n * ETHER + 1n],
    })
    expect((await spend(0n)).name).toBe('ModelRegistry.ZeroAmount')
    await pastDeadline()
    expect((await spend(1n)).name).toBe('ModelRegistry.DeadlinePassed')
  })

  test('can be increased by anybody', async () => {
    const { events } = await world.send(BOB, 'ModelRegistry', 'fundMandate', [modelId, 5n])
    expect(events[0]).toMatchObject({ name: 'MandateFunded', args: { purpose: 'deposit', amount: 5n } })
    expect(await funds()).toBe(TERMS.budget + 5n)
    const fund = (id: bigint, amount: bigint) => world.errorOf(BOB, 'ModelRegistry', 'fundMandate', [id, amount])
    expect((await fund(modelId, 0n)).name).toBe('ModelRegistry.ZeroAmount')
    expect((await fund(99n, 1n)).name).toBe('ModelRegistry.UnknownModel')
    const next = await propose(world)
    expect((await fund(next.modelId, 1n)).name).toBe('ModelRegistry.NotIssued')
    expect((await spend(1n, next.modelId)).name).toBe('ModelRegistry.NotIssued')
  })

  test('that is left at the deadline goes back to the treasury', async () => {
    const close = () => world.errorOf(STRANGER, 'ModelRegistry', 'closeMandate', [modelId])
    expect((await close()).name).toBe('ModelRegistry.MandateRuns')
    await pastDeadline()
    await world.send(STRANGER, 'ModelRegistry', 'closeMandate', [modelId])
    expect(await world.balance(world.at.Treasury)).toBe(TERMS.budget)
    expect((await close()).name).toBe('ModelRegistry.ZeroAmount')
  })
})

describe('a stake', () => {
  test('can be deposited and withdrawn, never more than one’s own', async () => {
    const before = await world.balance(ALICE.address)
    await world.send(ALICE, 'ModelRegistry', 'stake', [modelId, 7n])
    await world.send(BOB, 'ModelRegistry', 'stake', [modelId, 5n])
    const take = (amount: bigint, id = modelId) =>
      world.errorOf(ALICE, 'ModelRegistry', 'unstake', [id, amount]).then((error) => error.name)
    expect(await take(8n)).toBe('ModelRegistry.InsufficientStake')
    expect(await take(0n)).toBe('ModelRegistry.ZeroAmount')
    expect(await take(1n, 99n)).toBe('ModelRegistry.UnknownModel')
    expect((await world.errorOf(ALICE, 'ModelRegistry', 'stake', [99n, 1n])).name).toBe('ModelRegistry.UnknownModel')
    expect((await world.errorOf(ALICE, 'ModelRegistry', 'stake', [modelId, 0n])).name).toBe('ModelRegistry.ZeroAmount')
    await world.send(ALICE, 'ModelRegistry', 'unstake', [modelId, 7n])
    expect(await world.balance(ALICE.address)).toBe(before)
    expect((await world.read('ModelRegistry', 'getModel', [modelId]))[0].staked).toBe(5n)
  })
})

describe('a version', () => {
  const register = (id: bigint, parent: bigint, manifest = hashOf('m')) =>
    world
      .errorOf(operator, 'ModelRegistry', 'registerVersion', [id, parent, 'lora', hashOf('d'), manifest, hashOf('a')])
      .then((error) => error.name)
  const promote = (id: bigint) => world.errorOf(STRANGER, 'ModelRegistry', 'promote', [id]).then((error) => error.name)
  const live = () => world.read('ModelRegistry', 'liveVersion', [modelId])
  const rollback = async (id: bigint) =>
    world.send(await world.impersonate(world.at.TimelockController), 'ModelRegistry', 'rollback', [id, 'worse'])

  test('needs a mandate, a manifest and a parent that exists', async () => {
    const next = await propose(world)
    expect(await register(99n, 0n)).toBe('ModelRegistry.UnknownModel')
    expect(await register(next.modelId, 0n)).toBe('ModelRegistry.NotIssued')
    expect(await register(modelId, 1n)).toBe('ModelRegistry.UnknownVersion')
    expect(await register(modelId, 0n, `0x${'0'.repeat(64)}`)).toBe('ModelRegistry.EmptyHash')
    const id = await version(world, modelId, operator)
    expect(await world.read('ModelRegistry', 'getVersion', [id])).toMatchObject({ modelId, promoted: false })
    await expect(world.read('ModelRegistry', 'getVersion', [9n])).rejects.toThrow('UnknownVersion')
  })

  test('is promoted by anybody once every target is met at the lower bound, not a millionth below', async () => {
    const id = await version(world, modelId, operator)
    expect(await promote(9n)).toBe('ModelRegistry.UnknownVersion')
    expect(await promote(id)).toBe('ModelRegistry.TargetsNotMet')
    await evaluate(world, id, operator, 699_999n)
    expect(await promote(id)).toBe('ModelRegistry.TargetsNotMet')
    const next = await version(world, modelId, operator)
    await evaluate(world, next, operator, 700_000n)
    await world.send(STRANGER, 'ModelRegistry', 'promote', [next])
    expect(await live()).toBe(next)
    expect(await promote(next)).toBe('ModelRegistry.AlreadyPromoted')
    expect(await world.read('ModelRegistry', 'isServing', [next])).toBe(true)
  })

  test('is judged by the first evaluation under the mandate’s own rubric, and by no later one', async () => {
    const id = await version(world, modelId, operator)
    const good = { metric: 'accuracy', score: 900_000n, lower: 900_000n, upper: 900_001n, n: 1n }
    const margin = { ...good, metric: 'margin' }
    const log = (versionId: bigint, rubric: Hex, metrics: (typeof good)[]) =>
      world.send(operator, 'EvaluationRegistry', 'log', [versionId, rubric, metrics, hashOf('log')])
    await log(id, hashOf('an easier rubric'), [good, margin])
    expect(await promote(id)).toBe('ModelRegistry.TargetsNotMet')
    await log(id, RUBRIC, [good])
    expect(await promote(id)).toBe('ModelRegistry.TargetsNotMet')
    await expect(log(id, RUBRIC, [margin])).rejects.toThrow('AlreadyEvaluated')
    await expect(log(id, RUBRIC, [good, margin])).rejects.toThrow('AlreadyEvaluated')
    expect(await promote(id)).toBe('ModelRegistry.TargetsNotMet')

    const next = await version(world, modelId, operator)
    await log(next, RUBRIC, [good, margin])
    expect(await promote(next)).toBe('none')
    await expect(evaluate(world, next, operator, 100_000n)).rejects.toThrow('AlreadyEvaluated')
    expect(await promote(next)).toBe('none')
    const result = (metric: string) => world.read('EvaluationRegistry', 'resultOf', [next, RUBRIC, metric])
    expect(await result('accuracy')).toEqual([900_000n, 900_001n, 4n])
    expect(await result('other')).toEqual([0n, 0n, 0n])
    expect(await world.read('EvaluationRegistry', 'logOf', [next, RUBRIC])).toBe(hashOf('log'))
  })

  test('is refused where it is significantly worse than the live one, unless the mandate lets the metric fall', async () => {
    const metric = (name: string, lower: bigint) => ({ metric: name, score: lower, lower, upper: lower + 10n, n: 9n })
    const log = (id: bigint, accuracy: bigint, margin: bigint) =>
      world.send(operator, 'EvaluationRegistry', 'log', [
        id,
        RUBRIC,
        [metric('accuracy', accuracy), metric('margin', margin)],
        hashOf('log'),
      ])
    const worse = async (model: bigint, accuracy: bigint, margin: bigint) => {
      const id = await version(world, model, operator)
      await log(id, accuracy, margin)
      const { name, args } = await world.errorOf(STRANGER, 'ModelRegistry', 'promote', [id])
      return name === 'none' ? name : [name, ...args.slice(1)]
    }
    const first = await version(world, modelId, operator)
    await log(first, 800_000n, 0n)
    await world.send(STRANGER, 'ModelRegistry', 'promote', [first])
    expect(await worse(modelId, 799_989n, 0n)).toEqual(['ModelRegistry.WorseThanLive', first, 'accuracy'])
    expect(await worse(modelId, 900_000n, -11n)).toEqual(['ModelRegistry.WorseThanLive', first, 'margin'])
    expect(await worse(modelId, 799_990n, -10n)).toBe('none')
    await rollback(first)
    expect(await worse(modelId, 700_000n, -50_000n)).toBe('none')

    const [accuracy, margin] = TERMS.targets
    const targets = [must(accuracy), { ...must(margin), mayFall: true }]
    const lenient = await mandate(world, { targets, budget: 0n })
    const live = await version(world, lenient, operator)
    await log(live, 800_000n, 0n)
    await world.send(STRANGER, 'ModelRegistry', 'promote', [live])
    expect(await worse(lenient, 800_000n, -50_000n)).toBe('none')
    expect(await worse(lenient, 700_000n, 0n)).toEqual(['ModelRegistry.WorseThanLive', live, 'accuracy'])
  })

  test('is replaced by the one before it when it is rolled back, and never returns', async () => {
    const ids: bigint[] = []
    for (let i = 0; i < 3; i++) {
      ids.push(await version(world, modelId, operator, ids.at(-1) ?? 0n))
      await evaluate(world, must(ids[i]), operator)
    }
    const [one, two, three] = ids as [bigint, bigint, bigint]
    await world.send(STRANGER, 'ModelRegistry', 'promote', [one])
    await world.send(STRANGER, 'ModelRegistry', 'promote', [three])
    expect(await promote(two)).toBe('ModelRegistry.OlderThanLive')
    await rollback(three)
    expect(await live()).toBe(one)
    expect(await world.read('ModelRegistry', 'isServing', [three])).toBe(false)
    expect(await promote(three)).toBe('ModelRegistry.AlreadyPromoted')
    await world.send(STRANGER, 'ModelRegistry', 'promote', [two])
    await rollback(one)
    expect(await live()).toBe(two)
    await rollback(two)
    expect(await live()).toBe(0n)
  })

  test('that was rolled back before its promotion is not promoted', async () => {
    const id = await version(world, modelId, operator)
    await evaluate(world, id, operator)
    await rollback(id)
    expect(await promote(id)).toBe('ModelRegistry.VersionIsRolledBack')
    const timelock = await world.impersonate(world.at.TimelockController)
    const again = (version: bigint) => world.errorOf(timelock, 'ModelRegistry', 'rollback', [version, 'x'])
    expect((await again(id)).name).toBe('ModelRegistry.VersionIsRolledBack')
    expect((await again(9n)).name).toBe('ModelRegistry.UnknownVersion')
  })
})

describe('an evaluation', () => {
  test('is one event for each metric, each with an id of its own', async () => {
    const id = await version(world, modelId, operator)
    const metrics = [
      { metric: 'accuracy', score: 2n, lower: -1n, upper: 3n, n: 10n },
      { metric: 'toxicity', score: -5n, lower: -9n, upper: -5n, n: 20n },
    ]
    const { events } = await world.send(operator, 'EvaluationRegistry', 'log', [id, RUBRIC, metrics, hashOf('log')])
    expect(events.map((event) => event.args)).toEqual(
      metrics.map((metric, i) => ({
        ...metric,
        evaluationId: BigInt(i + 1),
        versionId: id,
        rubricHash: RUBRIC,
        logHash: hashOf('log'),
      })),
    )
  })

  test('is refused for impossible values', async () => {
    const id = await version(world, modelId, operator)
    const good = { metric: 'm', score: 0n, lower: 0n, upper: 0n, n: 1n }
    const log = (versionId: bigint, metrics: (typeof good)[]) =>
      world
        .errorOf(operator, 'EvaluationRegistry', 'log', [versionId, RUBRIC, metrics, hashOf('log')])
        .then((error) => error.name)
    expect(await log(9n, [good])).toBe('EvaluationRegistry.UnknownVersion')
    expect(await log(id, [])).toBe('EvaluationRegistry.NoMetrics')
    expect(await log(id, [{ ...good, metric: '' }])).toBe('EvaluationRegistry.EmptyMetric')
    expect(await log(id, [{ ...good, lower: 1n }])).toBe('EvaluationRegistry.BadInterval')
    expect(await log(id, [{ ...good, upper: -1n }])).toBe('EvaluationRegistry.BadInterval')
    expect(await log(id, [{ ...good, n: 0n }])).toBe('EvaluationRegistry.NoItems')
    expect(await log(id, [good, good])).toBe('EvaluationRegistry.RepeatedMetric')
    const unnamed = [id, RUBRIC, [good], `0x${'0'.repeat(64)}`] as const
    expect((await world.errorOf(operator, 'EvaluationRegistry', 'log', unnamed)).name).toBe(
      'EvaluationRegistry.EmptyHash',
    )
  })
})
