// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { createHash } from 'node:crypto'
import { Random } from '#math/random.ts'

/**
 * The count sketch: a seeded random projection of very long vectors to `dimensions` numbers. It preserves inner products in
 * expectation (Charikar, Chen & Farach-Colton, 2002; as a projection, Weinberger et al., 2009). It adds every coordinate,
 * with a random sign, to one random position: one pass, no matrix, nothing to store.
 *
 * For vectors x and y the product of their sketches has mean ⟨x, y⟩ and a standard deviation of at most about
 * √((‖x‖²‖y‖² + ⟨x, y⟩²) / dimensions).
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { CountSketch } from '#engine/stats/countSketch.ts'
 *
 * const sketch = new CountSketch({ seed: 1, length: 100_000, dimensions: 512 })
 * const vector = new Float32Array(100_000).fill(0.01)
 * const projected = sketch.project(vector)
 * const product = projected.reduce((sum, value) => sum + value * value, 0)
 * assert.ok(Math.abs(product - 10) < 2) // ⟨vector, vector⟩ = 10
 * ```
 */
export class CountSketch {
  readonly dimensions: number
  /** Number of coordinates of the input vectors. */
  readonly length: number
  /** 16 bytes in hexadecimal: a hash of seed, length and dimensions. */
  readonly identity: string
  private readonly salt: number
  private readonly signSalt: number

  constructor({ seed, length, dimensions }: { seed: number | string; length: number; dimensions: number }) {
    if (!Number.isSafeInteger(length) || length < 1 || length > 2 ** 32) {
      throw new Error(`A vector must have 1 to 2^32 coordinates, not ${length}.`)
    }
    if (!Number.isInteger(dimensions) || dimensions < 2 || dimensions > 65_536 || dimensions % 2) {
      throw new Error(`A sketch must have an even number of dimensions from 2 to 65536, not ${dimensions}.`)
    }
    this.length = length
    this.dimensions = dimensions
    const random = new Random(`projection/${seed}`)
    this.salt = random.uint32()
    this.signSalt = random.uint32()
    const description = JSON.stringify(['count sketch 1', String(seed), length, dimensions])
    this.identity = createHash('sha256').update(description).digest('hex').slice(0, 32)
  }

  /** The sketch of a vector, given whole or as its parts (tensors in a fixed order). */
  project(vector: Float32Array | readonly Float32Array[]): Float32Array {
    const parts = vector instanceof Float32Array ? [vector] : vector
    const total = parts.reduce((sum, part) => sum + part.length, 0)
    if (total !== this.length) throw new Error(`The vector has ${total} coordinates; expected ${this.length}.`)
    const sums = new Float64Array(this.dimensions)
    let offset = 0
    for (const part of parts) {
      this.add(sums, part, offset)
      offset += part.length
    }
    return Float32Array.from(sums)
  }

  /** Adds the coordinates from `offset` on to an unfinished sketch, so that the whole vector need not be in memory. */
  add(sums: Float64Array, part: Float32Array, offset: number): void {
    const { salt, signSalt, dimensions } = this
    for (let i = 0; i < part.length; i++) {
      const value = part[i]!
      if (value === 0) continue
      const place = (scramble((offset + i) ^ salt) * dimensions) / 0x100000000
      sums[Math.floor(place)]! += scramble((offset + i) ^ signSalt) & 1 ? value : -value
    }
    if (sums.some((sum) => !Number.isFinite(sum))) {
      throw new Error('The vector contains NaN or infinity, or a sum overflowed: a gradient is wrong.')
    }
  }
}

/** A bijection of 32-bit words whose output bits are uncorrelated with the input (MurmurHash3's finaliser with Stafford's constants). */
function scramble(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x7feb352d)
  word = Math.imul(word ^ (word >>> 15), 0x846ca68b)
  return (word ^ (word >>> 16)) >>> 0
}
