import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { correlatedAgreement } from './agreement.ts'
import { type FeedbackReveal, settleRound } from './feedback.ts'
import { EMPTY_RECORD, failsBeyondChance, recordGold, skill } from './gold.ts'

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

function play(policies: Record<string, Policy>, tasks = 320, seed = 5) {
  const draw = uniform(seed)
  const reveals: FeedbackReveal[] = []
  const round = Array.from({ length: tasks }, (_, i) => {
    const truth = draw() < 0.5 ? 0 : 1
    for (const [validator, policy] of Object.entries(policies))
      reveals.push({ taskId: `${i}`, validator, ...policy(truth, draw, i) })
    return { taskId: `${i}`, pot: 1_000n, gold: i % 4 === 0 ? truth : undefined }
  })
  const stakes = new Map(Object.keys(policies).map((validator) => [validator, 1_000_000n]))
  const result = settleRound({ tasks: round, commits: reveals, reveals, stakes, records: new Map() })
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
  expect(outcome('ring1').agreement > 100_000n).toBe(true) // agreement alone would have been paid
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
      const { settlements, returned } = settleRound({
        tasks: rows.map((row, t) => ({ taskId: `${t}`, pot: row.pot, gold: row.gold })),
        commits: entries,
        reveals: entries.filter((entry) => entry.revealed),
        stakes: new Map([0, 1, 2].map((v) => [`v${v}`, stake])),
        records: new Map(),
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
  const { validators } = settleRound({
    tasks: commits.map(({ taskId }) => ({ taskId, pot: 10n })),
    commits,
    reveals: commits.slice(0, 3).map((commit) => ({ ...commit, choice: 0, confidence: 60 })),
    stakes: new Map([['v', 8_000n]]),
    records: new Map(),
  })
  expect(validators[0]).toMatchObject({ penalty: 100n, unrevealed: 1n })
})

/** One validator's round of gold tasks whose right answer is 0, after `failed` wrong ones and `silent` that stayed committed. */
function goldRound(answered: number, failed: number, silent = 0) {
  const commits = Array.from({ length: answered + silent }, (_, i) => ({ taskId: `${i}`, validator: 'v' }))
  return settleRound({
    tasks: commits.map(({ taskId }) => ({ taskId, pot: 10n, gold: 0 })),
    commits,
    reveals: commits.slice(0, answered).map((one, i) => ({ ...one, choice: i < failed ? 1 : 0, confidence: 50 })),
    stakes: new Map([['v', 1_000_000n]]),
    records: new Map(),
  }).validators
}

test('the fine grows from the errors that an honest judge may make to 5 % of the stake for failing everything', () => {
  expect(goldRound(20, 4)).toMatchObject([{ goldAnswered: 20n, goldFailed: 4n, penalty: 0n }])
  // (10 − 20 × 0.2) / (20 × 0.8) = 6/16 of 50,000
  expect(goldRound(20, 10)).toMatchObject([{ goldAnswered: 20n, goldFailed: 10n, penalty: 18_750n }])
  expect(goldRound(20, 20)).toMatchObject([{ goldFailed: 20n, penalty: 50_000n }])
  expect(goldRound(0, 0, 4)).toMatchObject([{ goldAnswered: 0n, unrevealed: 4n, penalty: 50_000n }])
  expect(goldRound(20, 20, 20)).toMatchObject([{ unrevealed: 20n, penalty: 50_000n }])
})

test('a validator gets the reasons', () => {
  const reason = (...round: Parameters<typeof goldRound>) => goldRound(...round).map((one) => one.reason)
  const scored = 'Agreement 0 ppm × skill 0 ppm = 0 ppm.'
  const failed = 'Failed 10 of 20 gold tasks: more than bad luck explains.'
  expect(reason(20, 4)).toEqual([scored])
  expect(reason(20, 10)).toEqual([`${scored} ${failed}`])
  expect(reason(0, 0, 4)).toEqual([`${scored} Did not reveal 4 of 4 commitments.`])
  expect(reason(20, 10, 1)).toEqual([`${scored} ${failed} Did not reveal 1 of 21 commitments.`])
})

test('validators come in ascending order, and a task without commitments gives its pot back', () => {
  const commits = ['z', 'a', 'm'].map((validator) => ({ taskId: '1', validator }))
  const { validators, returned, settlements } = settleRound({
    tasks: [
      { taskId: '1', pot: 3n },
      { taskId: '2', pot: 5n },
    ],
    commits,
    reveals: [],
    stakes: new Map(),
    records: new Map(),
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
  const base = { tasks: [{ taskId: '1', pot: 1n }], stakes: new Map(), records: new Map() }
  const reveal = { taskId: '1', validator: 'v', choice: 0, confidence: 1 }
  expect(() => settleRound({ ...base, commits: [], reveals: [reveal] })).toThrow(/without a commitment/)
  expect(() => settleRound({ ...base, commits: [reveal], reveals: [reveal, reveal] })).toThrow(/or twice/)
  expect(() => settleRound({ ...base, commits: [{ taskId: '2', validator: 'v' }], reveals: [] })).toThrow(/not part/)
  expect(() => settleRound({ ...base, commits: [reveal, reveal], reveals: [] })).toThrow('v committed to task 1 twice')
  const tasks = [...base.tasks, ...base.tasks]
  expect(() => settleRound({ ...base, tasks, commits: [], reveals: [] })).toThrow('A task is given twice')
})

describe('correlated agreement', () => {
  test('equals the definition, pair by pair', () => {
    const cell = fc.option(fc.nat(2))
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 9 }), (rows) => {
        const all = rows.flatMap((row, t) =>
          row.flatMap((choice, v) => (choice === null ? [] : [{ taskId: `${t}`, validator: `${v}`, choice }])),
        )
        const mean = (hits: boolean[]) => hits.filter(Boolean).length / hits.length
        const [a, b] = ['0', '1'].map((validator) => all.filter((j) => j.validator === validator))
        const products = must(a).flatMap((x) =>
          must(b).map((y) => ({ same: x.taskId === y.taskId, agree: x.choice === y.choice })),
        )
        const same = products.filter((x) => x.same).map((x) => x.agree)
        const apart = products.filter((x) => !x.same).map((x) => x.agree)
        const expected = same.length && apart.length ? mean(same) - mean(apart) : 0
        expect(correlatedAgreement(all).get('0') ?? 0n).toBe(BigInt(Math.floor(expected * 1e6 + 1e-7)))
      }),
    )
  })

  test('a peer’s weight is the number of shared tasks, in any order of the answers', () => {
    const answers: [task: string, validator: string, choice: number][] = [
      ['1', 'a', 0],
      ['1', 'b', 0],
      ['2', 'b', 1],
      ['2', 'a', 1],
      ['3', 'c', 1],
      ['3', 'a', 0],
      ['4', 'c', 0],
    ]
    const all = answers.map(([taskId, validator, choice]) => ({ taskId, validator, choice }))
    // a and b: 2 of 2 on the same task, 1 of 4 on different ones: ¾ over two tasks. a and c: 0 of 1, less 3 of 5: −⅗ over one.
    expect(correlatedAgreement(all)).toEqual(
      new Map([
        ['a', (2n * 750_000n - 600_000n) / 3n],
        ['b', 750_000n],
        ['c', -600_000n],
      ]),
    )
    expect(() => correlatedAgreement([...all, { taskId: '3', validator: 'a', choice: 1 }])).toThrow(
      'Validator a judged task 3 twice',
    )
  })

  test('always answering alike is worth nothing', () => {
    const all = ['a', 'b'].flatMap((validator) => [1, 2, 3].map((t) => ({ taskId: `${t}`, validator, choice: 1 })))
    expect(correlatedAgreement(all).get('a')).toBe(0n)
  })
})

describe('gold', () => {
  test('skill: sure and right rises to one, ignorance and boasting stay at zero, luck is no skill', () => {
    const after = (n: number, right: (i: number) => boolean, confidence: number) => {
      let record = EMPTY_RECORD
      for (let i = 0; i < n; i++) record = recordGold(record, right(i), confidence)
      return skill(record)
    }
    expect(after(0, () => true, 0)).toBe(0n)
    expect(after(1, () => true, 100)).toBe(200_000n)
    expect(after(96, () => true, 100)).toBe(960_000n)
    expect(after(50, () => true, 50)).toBe(0n)
    expect(after(50, (i) => i % 2 === 0, 100)).toBe(0n)
    expect(after(96, (i) => i % 10 !== 0, 90) > 550_000n).toBe(true)
    for (const confidence of [-1, 101, 50.5])
      expect(() => recordGold(EMPTY_RECORD, true, confidence)).toThrow(/whole number from 0 to 100/)
  })

  test('results worse than random are zero skill, not negative skill', () => {
    const record = (squaredError: bigint) => skill({ tasks: 1n, squaredError })
    expect([2_499n, 2_500n, 2_501n, 10_000n].map(record)).toEqual([80n, 0n, 0n, 0n])
  })

  test('more failures than answers, or fewer than none, are refused', () => {
    expect(() => failsBeyondChance(2n, 1n, 1n, 1n)).toThrow('2 of 1 gold tasks cannot have failed')
    expect(() => failsBeyondChance(-1n, 1n, 1n, 1n)).toThrow('-1 of 1 gold tasks cannot have failed')
  })

  test('the binomial tail is exact', () => {
    // P(X ≥ 10 | 20, 0.2) = 0.002594827...
    expect(failsBeyondChance(10n, 20n, 200_000n, 2_594n)).toBe(false)
    expect(failsBeyondChance(10n, 20n, 200_000n, 2_595n)).toBe(true)
    expect(failsBeyondChance(0n, 0n, 200_000n, 10_000n)).toBe(false)
    expect(failsBeyondChance(3n, 3n, 200_000n, 8_000n)).toBe(false)
    expect(failsBeyondChance(3n, 3n, 200_000n, 8_001n)).toBe(true)
  })
})
