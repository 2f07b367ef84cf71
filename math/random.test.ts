import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { Random } from './random.ts'

/** An oracle: xoshiro128** in big integers. */
function* oracle(state: readonly number[]): Generator<number> {
  const word = (x: bigint) => BigInt.asUintN(32, x)
  const rotate = (x: bigint, k: bigint) => word((x << k) | (x >> (32n - k)))
  let [a = 0n, b = 0n, c = 0n, d = 0n] = state.map(BigInt)
  for (;;) {
    yield Number(word(rotate(word(b * 5n), 7n) * 9n))
    const t = word(b << 9n)
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotate(d, 11n)
  }
}

const TWO_32 = 2n ** 32n

/** The word `b` of a state whose next output is `output`: the inverse of xoshiro128**'s scrambler. */
function wordBefore(output: number): number {
  const unscrambled = (BigInt(output) * 0x38e38e39n) % TWO_32 // 9 · 0x38e38e39 = 1
  const rotated = ((unscrambled >> 7n) | (unscrambled << 25n)) % TWO_32
  return Number((rotated * 0xcccccccdn) % TWO_32) // 5 · 0xcccccccd = 1
}

/** A generator whose first outputs are these two. The second is scrambled from `a ^ b ^ c`. */
const starting = (first: number, second: number) =>
  Random.fromState([0, wordBefore(first), (wordBefore(first) ^ wordBefore(second)) >>> 0, 1])

const MOST = 0xffffffff

describe('a seeded generator', () => {
  test('expands a seed by splitmix64 as published', () => {
    const [low, high] = [6457827717110365317n, 3203168211198807973n]
    expect(new Random(1234567).state()).toEqual(
      [low, high].flatMap((word) => [Number(word % TWO_32), Number(word / TWO_32)]),
    )
  })

  test('every kind of draw is its function of the outputs, and takes no more of them', () => {
    const draws: [draw: (random: Random) => unknown, expected: (next: () => number) => unknown][] = [
      [(random) => random.uniform(), uniform],
      [(random) => random.normal(3, 2), (next) => normal(next, 3, 2)],
      [(random) => random.integer(1), (next) => next() * 0],
      [(random) => random.integer(2 ** 32), (next) => next()],
      [(random) => random.chance(0.3), (next) => uniform(next) < 0.3],
      [(random) => random.choice(['a', 'b', 'c', 'd']), (next) => 'abcd'[next() % 4]],
      [(random) => [...random.fillNormal(new Float64Array(3), 5)], (next) => [0, 0, 0].map(() => normal(next, 0, 5))],
      [
        (random) => [...random.fillUniform(new Float64Array(3), 2, 6)],
        (next) => [0, 0, 0].map(() => 2 + 4 * uniform(next)),
      ],
      [
        (random) => random.shuffle([0, 1, 2, 3]),
        (next) => {
          const items = [0, 1, 2, 3]
          for (const last of [3, 2, 1]) {
            const place = next() % (last + 1) // no output is so large that it is refused
            ;[items[last], items[place]] = [must(items[place]), must(items[last])]
          }
          return items
        },
      ],
    ]
    function uniform(next: () => number): number {
      const [high, low] = [BigInt(next()) >> 5n, BigInt(next()) >> 6n]
      return Number((high << 26n) | low) / 2 ** 53
    }
    function normal(next: () => number, mean: number, deviation: number): number {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform(next)))
      return mean + deviation * radius * Math.cos(2 * Math.PI * uniform(next))
    }
    const random = new Random('draws')
    const outputs = oracle(random.state())
    for (let round = 0; round < 20; round++)
      for (const [draw, expected] of draws) expect(draw(random)).toEqual(expected(() => must(outputs.next().value)))
    expect(random.uint32()).toBe(outputs.next().value)
  })

  test('an output that would make some integers more likely is refused', () => {
    expect(starting(MOST - 1, 7).integer(3)).toBe(2)
    expect(starting(MOST, 7).integer(3)).toBe(1)
  })

  test('a chance is not met at its own value', () => {
    expect(starting(0x80000000, 0).uniform()).toBe(0.5)
    expect(starting(0x80000000, 0).chance(0.5)).toBe(false)
  })

  test('weighted draws at the borders: where a weight begins, and where rounding leaves a rest', () => {
    expect(starting(0x80000000, 0).weighted([1, 1])).toBe(1)
    expect(starting(0, 0).weighted([0, 1])).toBe(1)
    expect(starting(MOST, MOST).weighted([0.1, 0.2, 0.3, 0])).toBe(2)
    expect(0.6000000000000001 * (1 - 2 ** -53) - 0.1 - 0.2 - 0.3).toBe(0)
  })

  test('follows xoshiro128** as published', () => {
    const random = Random.fromState([1, 2, 3, 4])
    expect(Array.from({ length: 10 }, () => random.uint32())).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ])
  })

  test('agrees with a big-integer oracle from any state', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff })
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), (state) => {
        fc.pre(state.some((x) => x > 0))
        const random = Random.fromState(state)
        const expected = oracle(state)
        for (let i = 0; i < 40; i++) expect(random.uint32()).toBe(expected.next().value)
      }),
    )
  })

  test('continues exactly from a saved state, whatever was drawn', () => {
    const draws = [
      (r: Random) => r.uint32(),
      (r: Random) => r.uniform(),
      (r: Random) => r.normal(),
      (r: Random) => r.integer(7),
      (r: Random) => r.shuffle([1, 2, 3, 4, 5]).join(),
    ]
    fc.assert(
      fc.property(fc.string(), fc.array(fc.nat(4)), (seed, kinds) => {
        const random = new Random(seed)
        for (const kind of kinds) must(draws[kind])(random)
        const restored = Random.fromState(JSON.parse(JSON.stringify(random.state())))
        for (const draw of draws) expect(draw(restored)).toEqual(draw(random))
      }),
    )
  })

  test('seeds differ from one another: text, numbers, negatives, big integers', () => {
    const seeds = [0, 1, -1, '0', 'a', 'b', '', 2n ** 63n, 2n ** 64n, 10n ** 30n]
    expect(new Set(seeds.map((seed) => new Random(seed).uint32())).size).toBe(seeds.length)
    expect(new Random(5).uint32()).toBe(new Random(5n).uint32())
  })

  test('rejects invalid seeds and states', () => {
    expect(() => new Random(0.5)).toThrow('A seed must be an integer or text')
    expect(() => new Random(Number.NaN)).toThrow('A seed must be an integer or text')
    expect(() => Random.fromState([0, 0, 0, 0])).toThrow('all-zero')
    expect(() => Random.fromState([1, 2, 3])).toThrow('four integers')
    for (const word of [-4, 2 ** 32, 0.5]) expect(() => Random.fromState([1, 2, 3, word])).toThrow('four integers')
    for (const below of [0, 2 ** 32 + 1, 1.5]) expect(() => new Random(1).integer(below)).toThrow('from 1 to 2^32')
    expect(() => new Random(1).choice([])).toThrow('at least one')
    expect(() => new Random(1).weighted([0, 0])).toThrow('positive')
    for (const weight of [Number.NaN, -1, Number.POSITIVE_INFINITY])
      expect(() => new Random(1).weighted([1, weight])).toThrow('Weight 1')
    expect(() => new Random(1).weighted([Number.MAX_VALUE, Number.MAX_VALUE])).toThrow('sum to Infinity')
  })

  test('a fork does not advance its parent, and different labels give different forks', () => {
    const parent = new Random('fork')
    const before = parent.state()
    expect(parent.fork('data').uint32()).not.toBe(parent.fork('dropout').uint32())
    expect(parent.state()).toEqual(before)
    expect(parent.fork('data').state()).toEqual(new Random(`${before.join(',')}/data`).state())
  })

  test('integers are uniform by chi-squared', () => {
    const random = new Random('chi')
    for (const below of [2, 3, 10, 100]) {
      const counts = new Array(below).fill(0)
      const draws = 1000 * below
      for (let i = 0; i < draws; i++) counts[random.integer(below)]++
      const chi = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
      expect(chi).toBeLessThan(below - 1 + 5 * Math.sqrt(2 * (below - 1)))
    }
  })

  test('normals have mean 0, variance 1, kurtosis 3', () => {
    const draws = new Random('normal').fillNormal(new Float64Array(100_000))
    const moment = (k: number) => draws.reduce((sum, x) => sum + x ** k, 0) / draws.length
    expect(moment(1)).toBeCloseTo(0, 1)
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.02)
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.15)
  })

  test('a shuffle keeps the items and reaches every order', () => {
    const random = new Random('orders')
    const seen = new Set(Array.from({ length: 400 }, () => random.shuffle([0, 1, 2, 3]).join()))
    expect(seen.size).toBe(24)
    expect([...random.permutation(1000)].sort((x, y) => x - y)).toEqual(Array.from({ length: 1000 }, (_, i) => i))
  })

  test('weighted draws follow the weights and never pick a weight of zero', () => {
    const random = new Random('weights')
    const drawn = Array.from({ length: 10_000 }, () => random.weighted([1, 0, 3, 0]))
    const count = (index: number) => drawn.filter((each) => each === index).length
    expect(count(1) + count(3)).toBe(0)
    expect(Math.abs(count(2) - 7500)).toBeLessThan(250)
  })
})
