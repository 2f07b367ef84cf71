// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

/** The four 32-bit words of a generator's state: plain numbers, so that a checkpoint can store them as JSON. */
export type RandomState = readonly [number, number, number, number]

/** Anything like an array that can be shuffled in place. */
type Shuffleable<T> = { readonly length: number; [index: number]: T }

/**
 * A seeded random generator: xoshiro128** (Blackman & Vigna, "Scrambled linear pseudorandom number generators", 2021),
 * seeded by splitmix64 (Steele et al., 2014). The same seed gives the same sequence on every machine.
 *
 * Every random number of the engine and of the example comes from here. `state()` is the complete state: nothing is buffered between calls, so
 * a generator restored by `Random.fromState` continues exactly where the saved one stopped.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { Random } from '#math/random.ts'
 *
 * const random = new Random('shuffle')
 * const state = random.state()
 * const first = random.permutation(5)
 * assert.deepEqual(Random.fromState(state).permutation(5), first)
 * ```
 */
export class Random {
  private a: number
  private b: number
  private c: number
  private d: number

  /** `seed` is an integer or any text. Text, and integers beyond 64 bits, are hashed by FNV-1a. */
  constructor(seed: number | bigint | string) {
    let mix = seedBits(seed)
    const word = () => {
      mix = BigInt.asUintN(64, mix + 0x9e3779b97f4a7c15n)
      let z = mix
      z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
      z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
      return z ^ (z >> 31n)
    }
    const [low, high] = [word(), word()]
    this.a = Number(low & 0xffffffffn)
    this.b = Number(low >> 32n)
    this.c = Number(high & 0xffffffffn)
    this.d = Number(high >> 32n)
  }

  /** Continues a saved generator. @throws Error when the state is not four 32-bit words, or when all are zero. */
  static fromState(state: readonly number[]): Random {
    if (!isRandomState(state)) {
      throw new Error(`A random state is four integers from 0 to 2^32 - 1, not [${state}]. Pass the result of state().`)
    }
    if (state.every((word) => word === 0)) throw new Error('An all-zero random state would produce only zeros.')
    const random = new Random(0)
    ;[random.a, random.b, random.c, random.d] = state
    return random
  }

  state(): RandomState {
    return [this.a, this.b, this.c, this.d]
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.b, 5), 7), 9) >>> 0
    const shifted = this.b << 9
    this.c ^= this.a
    this.d ^= this.b
    this.b = (this.b ^ this.c) >>> 0
    this.a = (this.a ^ this.d) >>> 0
    this.c = (this.c ^ shifted) >>> 0
    this.d = rotateLeft(this.d, 11) >>> 0
    return scrambled
  }

  /** A multiple of 2^-53 in [0, 1). */
  uniform(): number {
    const high = this.uint32() >>> 5 // 27 bits
    const low = this.uint32() >>> 6 // 26 bits
    return (high * 0x4000000 + low) / 0x20000000000000
  }

  /** An unbiased integer in [0, below), by rejection. `below` is from 1 to 2^32. */
  integer(below: number): number {
    if (!Number.isInteger(below) || below < 1 || below > 0x100000000) {
      throw new Error(`integer(below) needs an integer from 1 to 2^32, not ${below}.`)
    }
    const limit = 0x100000000 - (0x100000000 % below)
    let draw = this.uint32()
    while (draw >= limit) draw = this.uint32()
    return draw % below
  }

  /** A normal deviate (Box & Muller, 1958). The second deviate of each pair is discarded, so that it need not be part of the state. */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.uniform())
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.uniform() < probability
  }

  /** Shuffles in place (Fisher & Yates; Durstenfeld, 1964) and returns the same array. */
  shuffle<A extends Shuffleable<unknown>>(items: A): A {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      const swapped = items[i]
      items[i] = items[j]
      items[j] = swapped
    }
    return items
  }

  /** The numbers 0 to `length - 1` in random order. */
  permutation(length: number): Int32Array {
    return this.shuffle(Int32Array.from({ length }, (_, i) => i))
  }

  choice<T>(items: ArrayLike<T>): T {
    if (items.length === 0) throw new Error('choice needs at least one item.')
    return items[this.integer(items.length)]! // by construction: `integer` is below the length
  }

  /** A random index, with probability in proportion to `weights`. @throws Error when a weight is negative or not finite, or when all are zero. */
  weighted(weights: ArrayLike<number>): number {
    let total = 0
    for (let i = 0; i < weights.length; i++) {
      const weight = weights[i]!
      if (!(weight >= 0 && weight < Infinity)) throw new Error(`Weight ${i} is ${weight}; a weight must be 0 or more.`)
      total += weight
    }
    if (!(total > 0 && total < Infinity)) throw new Error(`The weights sum to ${total}; at least one must be positive.`)
    let rest = this.uniform() * total
    let last = 0
    for (let i = 0; i < weights.length; i++) {
      if (weights[i] === 0) continue
      last = i
      rest -= weights[i]!
      if (rest < 0) break
    }
    return last // if rounding leaves a rest, the last item with a positive weight
  }

  /** Fills and returns `out` with normal deviates. */
  fillNormal<A extends Float32Array | Float64Array>(out: A, deviation = 1): A {
    for (let i = 0; i < out.length; i++) out[i] = this.normal(0, deviation)
    return out
  }

  /** Fills and returns `out` with uniform deviates in [low, high). */
  fillUniform<A extends Float32Array | Float64Array>(out: A, low = 0, high = 1): A {
    for (let i = 0; i < out.length; i++) out[i] = low + (high - low) * this.uniform()
    return out
  }

  /** An independent generator derived from the current state and `label`. It does not advance this one. */
  fork(label: string | number): Random {
    return new Random(`${this.state().join(',')}/${label}`)
  }
}

function isRandomState(words: readonly number[]): words is RandomState {
  return words.length === 4 && words.every((word) => Number.isInteger(word) && word >= 0 && word <= 0xffffffff)
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

function seedBits(seed: number | bigint | string): bigint {
  if (typeof seed === 'number') {
    if (!Number.isSafeInteger(seed)) throw new Error(`A seed must be an integer or text, not ${seed}.`)
    return BigInt.asUintN(64, BigInt(seed))
  }
  if (typeof seed === 'bigint' && BigInt.asIntN(64, seed) === seed) return BigInt.asUintN(64, seed)
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(String(seed))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  }
  return hash
}
