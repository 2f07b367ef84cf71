/** Rule 3, amendment 4b (copies): candidates for the comparison of samples. */
// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

/**
 * MinHash signatures (Broder 1997) and banded locality-sensitive hashing (Indyk and Motwani 1998): finds earlier sets that probably overlap
 * a set, without comparing it with all of them. Two sets of Jaccard similarity s share a band with probability
 * `1 − (1 − s^rows)^bands`: with 32 bands of 2 rows, 0.74 at s = 0.2 and 0.9999 at s = 0.5. Deterministic: the permutations are
 * derived from the seed.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { LshIndex } from '#rules/minhash.ts'
 *
 * const index = new LshIndex()
 * index.add(0, index.signature(['a b', 'b c', 'c d']))
 * assert.deepEqual(index.candidates(index.signature(['a b', 'b c', 'c d'])), [0])
 * assert.deepEqual(index.candidates(index.signature(['x y', 'y z'])), [])
 * ```
 */
export class LshIndex {
  private readonly seeds: Uint32Array
  private readonly buckets: Map<number, number[]>[]

  constructor(
    seed = 1,
    private readonly bands = 32,
    private readonly rows = 2,
    /** Members kept per bucket, earliest first, so that a very common shingle does not make the search quadratic. */
    private readonly keep = 64,
  ) {
    this.seeds = Uint32Array.from({ length: bands * rows }, (_, i) =>
      mix(mix(seed >>> 0) + Math.imul(i + 1, 0x9e3779b9)),
    )
    this.buckets = Array.from({ length: bands }, () => new Map())
  }

  /** The smallest value of the set under each permutation. */
  signature(grams: Iterable<string>): Uint32Array {
    const lowest = new Uint32Array(this.seeds.length).fill(0xffffffff)
    for (const gram of grams) {
      const hash = hash32(gram)
      for (let i = 0; i < lowest.length; i++) {
        lowest[i] = Math.min(lowest[i]!, mix(hash ^ this.seeds[i]!))
      }
    }
    return lowest
  }

  /** Members that share a band with the signature, in ascending order. */
  candidates(signature: Uint32Array): number[] {
    const found = new Set<number>()
    for (let band = 0; band < this.bands; band++)
      for (const member of this.buckets[band]!.get(this.key(signature, band)) ?? []) found.add(member)
    return [...found].sort((a, b) => a - b)
  }

  add(member: number, signature: Uint32Array): void {
    for (let band = 0; band < this.bands; band++) {
      const key = this.key(signature, band)
      const bucket = this.buckets[band]!.get(key)
      if (bucket === undefined) this.buckets[band]!.set(key, [member])
      else if (bucket.length < this.keep) bucket.push(member)
    }
  }

  private key(signature: Uint32Array, band: number): number {
    let key = 0
    for (let row = 0; row < this.rows; row++) key = mix(key ^ signature[band * this.rows + row]!)
    return key
  }
}

/** FNV-1a over UTF-16 code units. */
function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** A permutation of the 32-bit integers that mixes all bits (murmur3's finaliser). */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
