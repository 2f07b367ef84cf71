import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { independence } from './coincidence.ts'
import { dawidSkene, type PairJudgement } from './dawidSkene.ts'
import { judgeDependence } from './dependence.ts'

const uniform = (seed: number) => () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32

/** Nine copies of one judge with an accuracy, and independent experts. */
function pool(copies: number, accuracy: number, experts: number, seed = 3) {
  const draw = uniform(seed)
  const truth = new Map<string, 0 | 1>()
  const judgements: PairJudgement[] = []
  const answer = (right: 0 | 1, rate: number): 0 | 1 => (draw() < rate ? right : right === 0 ? 1 : 0)
  for (let i = 0; i < 240; i++) {
    const right: 0 | 1 = draw() < 0.5 ? 0 : 1
    truth.set(`p${i}`, right)
    const copied = answer(right, accuracy)
    for (let n = 0; n < copies; n++) judgements.push({ pairId: `p${i}`, validator: `copy ${n}`, choice: copied })
    for (let n = 0; n < experts; n++)
      judgements.push({ pairId: `p${i}`, validator: `expert ${n}`, choice: answer(right, 0.95) })
  }
  return { truth, judgements, known: new Map([...truth].slice(0, 60)) }
}

test('copies depend on each other, experts who agree do not', () => {
  const { judgements, known } = pool(9, 0.75, 3)
  const dependence = judgeDependence(judgements, known)
  expect(independence(dependence, 'copy 0')).toBeLessThan(150_000n)
  expect(dependence.get('copy 0')?.get('copy 8')).toBe(1_000_000n)
  for (const expert of ['expert 0', 'expert 1', 'expert 2']) expect(independence(dependence, expert)).toBe(1_000_000n)
})

test('with their dependence, nine copies no longer outvote three experts', () => {
  const { judgements, known, truth } = pool(9, 0.7, 3)
  const right = (weights: Map<string, bigint>) => {
    const open = dawidSkene(judgements, known, weights).pairs.filter(({ pairId }) => !known.has(pairId))
    return (
      open.filter(({ pairId, second }) => Number(second > 500_000n) === must(truth.get(pairId))).length / open.length
    )
  }
  const dependence = judgeDependence(judgements, known)
  const names = [...new Set(judgements.map(({ validator }) => validator))]
  const divided = new Map(names.map((name) => [name, independence(dependence, name)]))
  expect(right(new Map())).toBeLessThan(0.9)
  expect(right(divided)).toBeGreaterThan(0.96)
})

type Record = { right: number; wrong: number }

/** The dependence of two judges with these records on known pairs, each on pairs of its own, who agree on so many of the pairs that both judged. */
function dependenceOf(first: Record, second: Record, agreed: number, shared: number, names = ['a', 'b']) {
  const [one, two] = [must(names[0]), must(names[1])]
  const known = new Map<string, 0 | 1>()
  const recorded = (validator: string, { right, wrong }: Record) =>
    Array.from({ length: right + wrong }, (_, i): PairJudgement => {
      const pairId = `${validator}/${i}`
      known.set(pairId, 0)
      return { pairId, validator, choice: i < right ? 0 : 1 }
    })
  const both = Array.from({ length: shared }, (_, i): PairJudgement[] => [
    { pairId: `${i}`, validator: one, choice: 1 },
    { pairId: `${i}`, validator: two, choice: i < agreed ? 1 : 0 },
  ])
  const found = judgeDependence([...recorded(one, first), ...both.flat(), ...recorded(two, second)], known)
  expect(found.get(one)?.get(two)).toBe(found.get(two)?.get(one))
  return found.get(one)?.get(two)
}

// Of `shared` pairs, agreeing on `from` is the first that is more than three standard errors above the expected.
test.each([
  { first: { right: 45, wrong: 5 }, second: { right: 30, wrong: 10 }, shared: 200, from: 177, dependence: 630_346n },
  { first: { right: 12, wrong: 10 }, second: { right: 60, wrong: 5 }, shared: 400, from: 323, dependence: 572_781n },
  { first: { right: 5, wrong: 15 }, second: { right: 4, wrong: 20 }, shared: 80, from: 69, dependence: 648_611n },
])('dependence begins at $from of $shared agreements', ({ first, second, shared, from, dependence }) => {
  expect(dependenceOf(first, second, from - 1, shared)).toBeUndefined()
  expect(dependenceOf(first, second, from, shared)).toBe(dependence)
  for (const names of [
    ['a', 'b'],
    ['b', 'a'],
  ])
    expect(dependenceOf(second, first, from, shared, names)).toBe(dependence)
})

test('nothing is known of the dependence of two judges while one of them has no known pairs', () => {
  const [record, none] = [
    { right: 12, wrong: 10 },
    { right: 0, wrong: 0 },
  ]
  for (const [first, second] of [
    [record, none],
    [none, record],
  ] as const)
    expect(dependenceOf(first, second, 400, 400)).toBeUndefined()
})

test('the order of the judgements decides nothing', () => {
  const { judgements, known } = pool(4, 0.8, 3, 5)
  expect(judgeDependence([...judgements].reverse(), known)).toEqual(judgeDependence(judgements, known))
})

test('nothing is known of the dependence of judges without known pairs or shared ones', () => {
  const { judgements, known } = pool(3, 0.75, 1)
  expect(judgeDependence(judgements, new Map()).size).toBe(0)
  const apart = judgements.filter(
    ({ validator, pairId }) => (Number(pairId.slice(1)) % 2 === 0) === (validator === 'copy 0'),
  )
  expect(judgeDependence(apart, known).get('copy 0')).toBeUndefined()
  expect(judgeDependence([], known).size).toBe(0)
})
