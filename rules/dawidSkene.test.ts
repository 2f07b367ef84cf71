import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { dawidSkene, type PairJudgement, trainingPreference } from './dawidSkene.ts'

const uniform = (seed: number) => () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32

function simulate(accuracies: Record<string, number>, pairs = 300, seed = 3) {
  const draw = uniform(seed)
  const truth = new Map<string, 0 | 1>()
  const judgements: PairJudgement[] = []
  for (let i = 0; i < pairs; i++) {
    const right: 0 | 1 = draw() < 0.5 ? 0 : 1
    truth.set(`p${i}`, right)
    for (const [validator, accuracy] of Object.entries(accuracies))
      judgements.push({ pairId: `p${i}`, validator, choice: draw() < accuracy ? right : ((1 - right) as 0 | 1) })
  }
  return { truth, judgements }
}

const labels = (pairs: { pairId: string; second: bigint }[], truth: Map<string, 0 | 1>) =>
  pairs.filter((pair) => Number(pair.second > 500_000n) === truth.get(pair.pairId)).length / pairs.length

test('reliabilities are estimated without prior knowledge, and the labels are better than the majority’s', () => {
  const { truth, judgements } = simulate({ a: 0.95, b: 0.9, c: 0.55, d: 0.5, e: 0.5 })
  const { pairs, validators } = dawidSkene(judgements)
  const of = (name: string) => Number(must(validators.find((v) => v.validator === name)).reliability) / 1e6
  for (const [name, accuracy] of Object.entries({ a: 0.95, b: 0.9, c: 0.55, d: 0.5 }))
    expect(Math.abs(of(name) - accuracy)).toBeLessThan(0.08)
  const majority = pairs.map(({ pairId }) => {
    const votes = judgements.filter((j) => j.pairId === pairId)
    return { pairId, second: votes.filter((j) => j.choice === 1).length * 2 > votes.length ? 1_000_000n : 0n }
  })
  expect(labels(pairs, truth)).toBeGreaterThan(0.93)
  expect(labels(pairs, truth)).toBeGreaterThan(labels(majority, truth))
})

test('the votes of a judge who is always wrong are inverted', () => {
  const { truth, judgements } = simulate({ a: 0.9, b: 0.9, c: 0.9, liar: 0.05 })
  const { pairs, validators } = dawidSkene(judgements)
  expect(must(validators.find((v) => v.validator === 'liar')).reliability < 150_000n).toBe(true)
  expect(labels(pairs, truth)).toBeGreaterThan(0.97)
})

test('gold pairs keep a colluding majority from defining the truth', () => {
  const { truth, judgements } = simulate({ a: 0.95, b: 0.95, x: 0.1, y: 0.1, z: 0.1 })
  const known = new Map([...truth].slice(0, 60))
  expect(labels(dawidSkene(judgements).pairs, truth)).toBeLessThan(0.1)
  expect(labels(dawidSkene(judgements, known).pairs, truth)).toBeGreaterThan(0.95)
})

test('label noise is calibrated: of the pairs said to be 10–30 % noisy about that share is wrong', () => {
  const { truth, judgements } = simulate({ a: 0.8, b: 0.75, c: 0.7 }, 3_000)
  const doubtful = dawidSkene(judgements).pairs.filter((pair) => pair.noise > 100_000n && pair.noise < 300_000n)
  const said = doubtful.reduce((sum, pair) => sum + Number(pair.noise) / 1e6, 0) / doubtful.length
  expect(Math.abs(1 - labels(doubtful, truth) - said)).toBeLessThan(0.05)
})

test('the order of the input does not change the result', () => {
  const { judgements } = simulate({ a: 0.9, b: 0.7, c: 0.6 }, 50)
  expect(dawidSkene([...judgements].reverse())).toEqual(dawidSkene(judgements))
})

test('the iteration ends when the posteriors no longer change; validators come in ascending order with their judgements', () => {
  const { judgements } = simulate({ z: 0.9, m: 0.8, a: 0.6 }, 40)
  const partly = judgements.filter(({ pairId, validator }) => validator !== 'a' || Number(pairId.slice(1)) >= 10)
  const { rounds, validators, pairs } = dawidSkene(partly)
  expect(rounds).toBeGreaterThan(1)
  expect(rounds).toBeLessThan(400)
  expect(validators.map(({ validator, judged }) => [validator, judged])).toEqual([
    ['a', 30n],
    ['m', 40n],
    ['z', 40n],
  ])
  for (const { second, noise } of pairs) expect(noise).toBe(second > 500_000n ? 1_000_000n - second : second)
  expect(dawidSkene(partly.filter(({ pairId }) => pairId === 'p1')).rounds).toBeLessThan(400)
})

test.each([2, 4])(
  '%d copies of a judge, of whose answers each counts as that part, say as much as the judge',
  (copies) => {
    const { truth, judgements } = simulate({ a: 0.8, b: 0.75, c: 0.7 }, 60)
    const known = new Map([...truth].slice(0, 5))
    const names = Array.from({ length: copies }, (_, nth) => `a${nth}`)
    const copied = judgements.flatMap((one) =>
      one.validator === 'a' ? names.map((validator) => ({ ...one, validator })) : [one],
    )
    const part = new Map(names.map((name) => [name, 1_000_000n / BigInt(copies)]))
    const [one, several] = [dawidSkene(judgements, known), dawidSkene(copied, known, part)]
    expect(several.pairs).toEqual(one.pairs)
    expect(several.rounds).toBe(one.rounds)
    expect(dawidSkene(copied, known).pairs).not.toEqual(one.pairs)
  },
)

test('one judge, no judgements, a repeated answer', () => {
  const one = dawidSkene([{ pairId: 'p', validator: 'v', choice: 1 }])
  expect(must(one.pairs[0]).second > 500_000n && must(one.pairs[0]).second < 900_000n).toBe(true)
  expect(dawidSkene([])).toMatchObject({ pairs: [], validators: [] })
  const twice = { pairId: 'p', validator: 'v', choice: 1 } as const
  expect(() => dawidSkene([twice, twice])).toThrow(/twice/)
})

test('a pair trains towards its likelier answer, weighted by the excess of its probability over one half', () => {
  const pair = (second: bigint) => ({ pairId: 'p', second, noise: second > 500_000n ? 1_000_000n - second : second })
  expect(trainingPreference(pair(900_000n))).toEqual({ chosen: 1, weight: 800_000n, noise: 100_000n })
  expect(trainingPreference(pair(250_000n))).toEqual({ chosen: 0, weight: 500_000n, noise: 250_000n })
  expect(trainingPreference(pair(500_000n))).toEqual({ chosen: 0, weight: 0n, noise: 500_000n })
  expect(trainingPreference(pair(500_001n))).toEqual({ chosen: 1, weight: 2n, noise: 499_999n })
})
