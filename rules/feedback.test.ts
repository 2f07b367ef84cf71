import fc from 'fast-check'
import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { type FeedbackReveal, type JudgedRound, settleRound } from './feedback.ts'
import type { GoldAnswer } from './gold.ts'

/** Seeded uniform numbers in [0, 1). */
const uniform = (seed: number) => () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32

type Policy = (truth: number, draw: () => number, task: number) => { choice: number; confidence: number }
const honest =
  (accuracy: number): Policy =>
  (truth, draw) => ({ choice: draw() < accuracy ? truth : 1 - truth, confidence: Math.round(accuracy * 100) })
const careless: Policy = (_, draw) => ({ choice: draw() < 0.5 ? 0 : 1, confidence: 90 })
const lazy: Policy = () => ({ choice: 0, confidence: 95 })
/** Members of the pact agree on a shared random bit, whatever the task is. */
const ring: Policy = (_, __, task) => ({ choice: (Math.imul(task + 17, 2654435761) >>> 13) & 1, confidence: 95 })

const ONE = 1_000_000n
/** A round whose seats weigh one where they say nothing else. */
const settle = ({
  commits,
  ...round
}: Omit<Partial<JudgedRound>, 'commits'> & {
  commits: readonly { taskId: string; validator: string; weight?: bigint }[]
}) =>
  settleRound({
    epoch: 1n,
    tasks: [],
    reveals: [],
    stakes: new Map(),
    earlier: [],
    ...round,
    commits: commits.map(({ taskId, validator, weight = ONE }) => ({ taskId, validator, weight })),
  })

function play(
  policies: Record<string, Policy>,
  { tasks = 320, seed = 5, weights = {} as Record<string, bigint>, earlier = [] as GoldAnswer[] } = {},
) {
  const draw = uniform(seed)
  const reveals: FeedbackReveal[] = []
  const round = Array.from({ length: tasks }, (_, i) => {
    const truth = draw() < 0.5 ? 0 : 1
    for (const [validator, policy] of Object.entries(policies))
      reveals.push({ taskId: `${i}`, validator, ...policy(truth, draw, i) })
    return { taskId: `${i}`, pot: 1_000n, gold: i % 4 === 0 ? truth : undefined }
  })
  const stakes = new Map(Object.keys(policies).map((validator) => [validator, 1_000_000n]))
  const commits = reveals.map(({ taskId, validator }) => ({ taskId, validator, weight: weights[validator] ?? ONE }))
  const result = settle({ tasks: round, commits, reveals, stakes, earlier })
  const earned = (validator: string) =>
    result.settlements.filter((s) => s.validator === validator).reduce((sum, s) => sum + s.reward, 0n)
  const outcome = (validator: string) => must(result.validators.find((v) => v.validator === validator))
  return { ...result, earned, outcome }
}

test('skilled judges are paid; careless and colluding ones are fined and earn almost nothing', () => {
  const { earned, outcome } = play({
    good1: honest(0.95),
    good2: honest(0.9),
    good3: honest(0.85),
    careless,
    lazy,
    ring1: ring,
    ring2: ring,
    ring3: ring,
  })
  const good = earned('good1') + earned('good2') + earned('good3')
  const rest = earned('careless') + earned('lazy') + earned('ring1') + earned('ring2') + earned('ring3')
  expect(good > 300_000n).toBe(true)
  expect(rest).toBe(0n)
  // Below half of the weight, agreeing with each other says nothing.
  expect(outcome('ring1').agreement.beyondLuck).toBe(0n)
  expect(outcome('ring1').skill).toBe(0n)
  for (const bad of ['careless', 'lazy', 'ring1']) expect(outcome(bad).penalty > 0n).toBe(true)
  for (const fine of ['good1', 'good2', 'good3']) expect(outcome(fine).penalty).toBe(0n)
  expect(earned('good1') > earned('good3')).toBe(true)
})

test('a single dissenter who is right is never fined for dissent', () => {
  const { outcome } = play({ right: honest(0.95), wrong1: ring, wrong2: ring, wrong3: ring, wrong4: ring })
  expect(outcome('right').penalty).toBe(0n)
})

test('unearned rewards are returned', () => {
  const { returned } = play({ a: lazy, b: lazy })
  expect([...returned.values()].every((left) => left === 1_000n)).toBe(true)
})

test('rewards and returns sum to the pots, and penalties never exceed 5 % of the stake', () => {
  const cell = fc.option(fc.record({ choice: fc.nat(2), confidence: fc.nat(100), revealed: fc.boolean() }))
  const rounds = fc.array(
    fc.record({
      pot: fc.bigInt({ min: 0n, max: 10n ** 21n }),
      gold: fc.option(fc.nat(1), { nil: undefined }),
      cells: fc.array(cell, { minLength: 3, maxLength: 3 }),
    }),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(rounds, fc.bigInt({ min: 0n, max: 10n ** 24n }), (rows, stake) => {
      const entries = rows.flatMap((row, t) =>
        row.cells.flatMap((c, v) => (c === null ? [] : [{ taskId: `${t}`, validator: `v${v}`, ...c }])),
      )
      const { settlements, returned } = settle({
        tasks: rows.map((row, t) => ({ taskId: `${t}`, pot: row.pot, gold: row.gold })),
        commits: entries,
        reveals: entries.filter((entry) => entry.revealed),
        stakes: new Map([0, 1, 2].map((v) => [`v${v}`, stake])),
      })
      for (const [t, row] of rows.entries()) {
        const paid = settlements.filter((s) => s.taskId === `${t}`).reduce((sum, s) => sum + s.reward, 0n)
        expect(paid + must(returned.get(`${t}`))).toBe(row.pot)
      }
      for (const v of ['v0', 'v1', 'v2']) {
        const fined = settlements.filter((s) => s.validator === v).reduce((sum, s) => sum + s.penalty, 0n)
        expect(fined * 20n <= stake).toBe(true)
      }
    }),
  )
})

test('not revealing costs in proportion', () => {
  const commits = [1, 2, 3, 4].map((i) => ({ taskId: `${i}`, validator: 'v' }))
  const { validators } = settle({
    tasks: commits.map(({ taskId }) => ({ taskId, pot: 10n })),
    commits,
    reveals: commits.slice(0, 3).map((commit) => ({ ...commit, choice: 0, confidence: 60 })),
    stakes: new Map([['v', 8_000n]]),
  })
  expect(validators[0]).toMatchObject({ penalty: 100n, unrevealed: 1n })
})

/** One validator's round of gold tasks whose right answer is 0, after `failed` wrong ones and `silent` that stayed committed. */
function goldRound(answered: number, failed: number, silent = 0) {
  const commits = Array.from({ length: answered + silent }, (_, i) => ({ taskId: `${i}`, validator: 'v' }))
  return settle({
    tasks: commits.map(({ taskId }) => ({ taskId, pot: 10n, gold: 0 })),
    commits,
    reveals: commits.slice(0, answered).map((one, i) => ({ ...one, choice: i < failed ? 1 : 0, confidence: 50 })),
    stakes: new Map([['v', 1_000_000n]]),
  }).validators
}

test('the fine grows from the errors that an honest judge may make to 5 % of the stake for failing everything', () => {
  expect(goldRound(20, 4)).toMatchObject([{ goldAnswered: 20n, goldFailed: 4n, penalty: 0n }])
  // (10 − 20 × 0.2) / (20 × 0.8) = 6/16 of 50,000
  expect(goldRound(20, 10)).toMatchObject([{ goldAnswered: 20n, goldFailed: 10n, penalty: 18_750n }])
  expect(goldRound(20, 20)).toMatchObject([{ goldFailed: 20n, penalty: 50_000n }])
  // A gold task that was not revealed is failed.
  expect(goldRound(0, 0, 4)).toMatchObject([{ goldAnswered: 4n, goldFailed: 4n, unrevealed: 4n, penalty: 50_000n }])
  expect(goldRound(20, 20, 20)).toMatchObject([{ unrevealed: 20n, penalty: 50_000n }])
})

test('a validator gets the reasons', () => {
  const reason = (...round: Parameters<typeof goldRound>) => goldRound(...round).map((one) => one.reason)
  const scored = 'Agreement 0 ppm, of which 0 beyond luck, × skill 0 ppm = 0 ppm.'
  expect(reason(20, 4)).toEqual([scored])
  expect(reason(20, 10)).toEqual([`${scored} Failed 10 of 20 gold tasks: more than bad luck explains.`])
  expect(reason(20, 10, 1)).toEqual([
    `${scored} Failed 11 of 21 gold tasks: more than bad luck explains. Did not reveal 1 of 21 commitments.`,
  ])
})

test('a pot is shared by the weight of the seats, and a score is the share of its task', () => {
  const judges = { a: honest(0.95), b: honest(0.95), c: honest(0.95) }
  const { settlements, outcome, earned } = play(judges, { weights: { a: 2n * ONE } })
  const merit = (name: string) => outcome(name).merit
  const whole = 2n * merit('a') + merit('b') + merit('c')
  const row = must(settlements.find(({ taskId, validator }) => taskId === '7' && validator === 'a'))
  expect(row.score).toBe((2n * merit('a') * 1_000_000n) / whole)
  expect(row.reward).toBe((2n * merit('a') * 1_000n) / whole)
  expect(earned('a') > earned('b') + earned('c') - 40_000n).toBe(true)
})

test('what is paid and what is returned is the pot; who does not reveal a task gets nothing of it', () => {
  const judges = { a: honest(0.95), b: honest(0.9), c: honest(0.9) }
  const { settlements: all, returned } = play(judges)
  for (const [taskId, left] of returned) {
    const paid = all.filter((one) => one.taskId === taskId).reduce((sum, { reward }) => sum + reward, 0n)
    expect(paid + left).toBe(1_000n)
    expect(paid).toBeGreaterThan(990n)
  }
  const entries = Array.from({ length: 40 }, (_, i) =>
    ['a', 'b', 'c'].map((validator) => ({ taskId: `${i}`, validator })),
  ).flat()
  const { settlements, validators } = settle({
    tasks: Array.from({ length: 40 }, (_, i) => ({ taskId: `${i}`, pot: 100n, gold: i < 20 ? i % 2 : undefined })),
    commits: entries,
    reveals: entries
      .filter(({ taskId, validator }) => validator !== 'a' || taskId !== '39')
      .map((one) => ({ ...one, choice: Number(one.taskId) % 2, confidence: 100 })),
  })
  expect(must(validators[0]).merit).toBeGreaterThan(0n)
  const rewards = (task: string) => settlements.filter(({ taskId }) => taskId === task).map(({ reward }) => reward)
  expect(rewards('39')).toEqual([0n, 50n, 50n])
  expect(must(rewards('38')[0])).toBeGreaterThan(0n)
})

test('the answers to the gold tasks of a round are told, unrevealed ones as wrong and sure', () => {
  const tasks = [
    { taskId: '1', pot: 1n, gold: 1 },
    { taskId: '2', pot: 1n },
    { taskId: '3', pot: 1n, gold: 0 },
  ]
  const { gold } = settle({
    epoch: 9n,
    tasks,
    commits: tasks.map(({ taskId }) => ({ taskId, validator: 'v' })),
    reveals: ['1', '2'].map((taskId) => ({ taskId, validator: 'v', choice: 1, confidence: 70 })),
  })
  expect(gold).toEqual([
    { taskId: '1', validator: 'v', right: true, confidence: 70, epoch: 9n },
    { taskId: '3', validator: 'v', right: false, confidence: 100, epoch: 9n },
  ])
})

test('who reveals only what agrees with the others earns less than who reveals all', () => {
  const judges = { a: honest(0.9), b: honest(0.9), c: honest(0.9), d: honest(0.9) }
  const { settlements: open } = play(judges)
  const sum = (rows: typeof open) =>
    rows.filter((s) => s.validator === 'a').reduce((all, s) => all + s.reward - s.penalty, 0n)
  const draw = uniform(5)
  const tasks = Array.from({ length: 320 }, (_, i) => {
    const truth = draw() < 0.5 ? 0 : 1
    const given = Object.entries(judges).map(([validator, policy]) => ({ validator, ...policy(truth, draw, i) }))
    return { taskId: `${i}`, pot: 1_000n, gold: i % 4 === 0 ? truth : undefined, given }
  })
  const all = tasks.flatMap(({ taskId, given }) => given.map((one) => ({ taskId, ...one })))
  const agrees = ({ taskId, choice }: FeedbackReveal) =>
    all.filter((one) => one.taskId === taskId && one.choice === choice).length > 2
  const { settlements, validators } = settle({
    tasks,
    commits: all.map(({ taskId, validator }) => ({ taskId, validator })),
    reveals: all.filter((one) => one.validator !== 'a' || agrees(one)),
    stakes: new Map([['a', 1_000_000n]]),
  })
  expect(must(validators[0]).unrevealed > 10n).toBe(true)
  expect(sum(settlements) < sum(open)).toBe(true)
})

test('judges whose errors on gold coincide share one weight; experts without errors lose none', () => {
  const model: Policy = (truth, _, task) => ({ choice: task % 5 === 0 ? 1 - truth : truth, confidence: 80 })
  const expert: Policy = (truth) => ({ choice: truth, confidence: 100 })
  const { outcome } = play({ m1: model, m2: model, m3: model, e1: expert, e2: expert, e3: expert, e4: expert })
  for (const name of ['m1', 'm2', 'm3']) {
    expect(outcome(name).independence).toBe(333_333n)
    expect(outcome(name).reason).toContain('Its errors coincide with those of others: its judgements weigh 333333 ppm.')
  }
  for (const name of ['e1', 'e2', 'e3', 'e4']) expect(outcome(name).independence).toBe(ONE)
})

test('records of earlier rounds count, and fade with every epoch', () => {
  const before = (epoch: bigint): GoldAnswer[] =>
    Array.from({ length: 40 }, (_, i) => ({ taskId: `old ${i}`, validator: 'a', right: true, confidence: 100, epoch }))
  const skilled = (earlier: GoldAnswer[]) =>
    must(
      settle({ epoch: 100n, tasks: [{ taskId: '1', pot: 1n }], commits: [{ taskId: '1', validator: 'a' }], earlier })
        .validators[0],
    ).skill
  expect(skilled(before(100n))).toBe(909_090n) // 40 of 44
  expect(skilled(before(60n)) < 600_000n).toBe(true)
  expect(skilled([])).toBe(0n)
})

test('validators come in ascending order, and a task without commitments gives its pot back', () => {
  const commits = ['z', 'a', 'm'].map((validator) => ({ taskId: '1', validator }))
  const { validators, returned, settlements } = settle({
    tasks: [
      { taskId: '1', pot: 3n },
      { taskId: '2', pot: 5n },
    ],
    commits,
  })
  expect(validators.map(({ validator }) => validator)).toEqual(['a', 'm', 'z'])
  expect(returned).toEqual(
    new Map([
      ['1', 3n],
      ['2', 5n],
    ]),
  )
  expect(settlements).toHaveLength(3)
})

test('a reveal without commitment, twice, or of an unknown task is refused', () => {
  const base = { tasks: [{ taskId: '1', pot: 1n }] }
  const reveal = { taskId: '1', validator: 'v', choice: 0, confidence: 1 }
  expect(() => settle({ ...base, commits: [], reveals: [reveal] })).toThrow(/without a commitment/)
  expect(() => settle({ ...base, commits: [reveal], reveals: [reveal, reveal] })).toThrow(/or twice/)
  expect(() => settle({ ...base, commits: [{ taskId: '2', validator: 'v' }], reveals: [] })).toThrow(/not part/)
  expect(() => settle({ ...base, commits: [reveal, reveal], reveals: [] })).toThrow('v committed to task 1 twice')
  const tasks = [...base.tasks, ...base.tasks]
  expect(() => settle({ ...base, tasks, commits: [], reveals: [] })).toThrow('A task is given twice')
})
