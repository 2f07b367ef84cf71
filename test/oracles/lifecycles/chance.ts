import { must } from '#test/must.ts'
import { seededRandom } from '../../simulator/random.ts'

/** Random choices of one seed. */
export class Chance {
  readonly below: (limit: number) => number

  constructor(seed: number) {
    this.below = seededRandom(seed)
  }

  /** True `percent` times in a hundred. */
  happens(percent: number) {
    return this.below(100) < percent
  }

  of<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new RangeError('There is nothing to choose from.')
    return choices[this.below(choices.length)] as T
  }

  /** A part of `choices`, in their order. */
  some<T>(choices: readonly T[], percent = 50): T[] {
    return choices.filter(() => this.happens(percent))
  }

  times<T>(limit: number, make: (nth: number) => T): T[] {
    return Array.from({ length: this.below(limit + 1) }, (_, nth) => make(nth))
  }

  /** An integer from 0 to `limit`. */
  upTo(limit: bigint): bigint {
    let value = 0n
    for (let left = limit; left > 0n; left >>= 32n) value = (value << 32n) | BigInt(this.below(2 ** 32))
    return value % (limit + 1n)
  }

  /** An amount above 0: a few wei, some gOPEN, or more than a float can hold. */
  amount(): bigint {
    return 1n + this.upTo(this.of([1n, 10n, 9_999n, 10n ** 18n, 10n ** 21n, 2n ** 100n]))
  }

  /** `whole` in basis points as `parts` numbers. */
  shares(whole: number, parts: number): number[] {
    const weights = Array.from({ length: parts }, () => (this.happens(30) ? 0 : this.below(100)))
    const sum = weights.reduce((a, b) => a + b, 0)
    if (sum === 0) return weights.map((_, i) => (i === 0 ? whole : 0))
    const shares = weights.map((weight) => Math.floor((whole * weight) / sum))
    const largest = shares.indexOf(Math.max(...shares))
    shares[largest] = must(shares[largest]) + whole - shares.reduce((a, b) => a + b, 0)
    return shares
  }
}
