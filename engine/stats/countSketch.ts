import { createHash } from 'node:crypto'
import { Random } from './random.ts'

/**
 * A seeded random projection of very long vectors to `dimensions` numbers that keeps inner products in expectation: the
 * count sketch (Charikar, Chen & Farach-Colton, 2002; as a projection, Weinberger et al., 2009). Every coordinate is
 * added, with a random sign, to one random place: one pass, no matrix, nothing to store.
 *
 * For vectors x and y the product of their sketches has mean ⟨x, y⟩ and a standard deviation of at most about
 * √((‖x‖²‖y‖² + ⟨x, y⟩²) / dimensions).
 */
export class CountSketch {
  readonly dimensions: number
  /** Coordinates of the vectors projected. */
  readonly length: number
  /** 16 bytes, in hexadecimal, that only the same seed, length and dimensions give. */
  readonly identity: string
  private readonly salt: number
  private readonly signSalt: number

  constructor({ seed, length, dimensions }: { seed: number | string; length: number; dimensions: number }) {
    if (!Number.isSafeInteger(length) || length < 1 || length > 2 ** 32) {
      throw new Error(`A vector to project has 1 to 2^32 coordinates, not ${length}.`)
    }
    if (!Number.isInteger(dimensions) || dimensions < 2 || dimensions > 65_536 || dimensions % 2) {
      throw new Error(`A sketch has an even number of dimensions from 2 to 65536, not ${dimensions}.`)
    }
    this.length = length
    this.dimensions = dimensions
    const random = new Random(`projection/${seed}`)
    this.salt = random.uint32()
    this.signSalt = random.uint32()
    const description = JSON.stringify(['count sketch 1', String(seed), length, dimensions])
    this.identity = createHash('sha256').update(description).digest('hex').slice(0, 32)
  }

  /** The sketch of a vector given whole, or as the parts (tensors in a fixed order) that make it up. */
  project(vector: Float32Array | readonly Float32Array[]): Float32Array {
    const parts = vector instanceof Float32Array ? [vector] : vector
    const total = parts.reduce((sum, part) => sum + part.length, 0)
    if (total !== this.length) throw new Error(`The vector has ${total} coordinates; ${this.length} are expected.`)
    const sums = new Float64Array(this.dimensions)
    let offset = 0
    for (const part of parts) {
      this.add(sums, part, offset)
      offset += part.length
    }
    return Float32Array.from(sums)
  }

  /** Adds coordinates `offset` and on to a sketch in the making, so that a vector need never exist whole. */
  add(sums: Float64Array, part: Float32Array, offset: number): void {
    const { salt, signSalt, dimensions } = this
    for (let i = 0; i < part.length; i++) {
      const value = part[i]
      if (value === 0) continue
      const place = (scramble((offset + i) ^ salt) * dimensions) / 0x100000000
      sums[Math.floor(place)] += scramble((offset + i) ^ signSalt) & 1 ? value : -value
    }
    if (sums.some((sum) => !Number.isFinite(sum))) {
      throw new Error('The vector holds NaN or infinities, or sums overflow: a gradient went wrong.')
    }
  }
}

/** A bijection of 32-bit words that leaves no bit correlated with the input (Stafford's constants for MurmurHash3). */
function scramble(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x7feb352d)
  word = Math.imul(word ^ (word >>> 15), 0x846ca68b)
  return (word ^ (word >>> 16)) >>> 0
}
