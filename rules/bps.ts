/** Shared by all rules: integer arithmetic of money (wei), shares (basis points) and scores (parts per million). */

/** One whole in basis points. */
export const BPS = 10_000n

/** One whole in parts per million. */
export const PPM = 1_000_000n

/**
 * Floors `amount × share / whole`. Every division of money in the system is this one.
 * @throws RangeError when `whole` is not positive or an argument is negative.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { BPS, mulDiv } from '#rules/bps.ts'
 *
 * assert.equal(mulDiv(999n, 500n, BPS), 49n) // 5 % of 999 wei
 * ```
 */
export function mulDiv(amount: bigint, share: bigint, whole: bigint): bigint {
  if (whole <= 0n) throw new RangeError(`mulDiv: the whole must be positive, got ${whole}`)
  if (amount < 0n || share < 0n) throw new RangeError(`mulDiv: negative argument (${amount} × ${share} / ${whole})`)
  return (amount * share) / whole
}

/** The smaller of two integers (`Math.min` does not accept bigints). */
export function bigintMin(a: bigint, b: bigint): bigint {
  if (a < b) return a
  return b
}

/** The larger of two integers (`Math.max` does not accept bigints). */
export function bigintMax(a: bigint, b: bigint): bigint {
  if (a > b) return a
  return b
}

/** The smallest integer whose square is at least `value` (Newton's method). */
export function sqrtUp(value: bigint): bigint {
  if (value === 0n) return 0n
  let x = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (let y = (x + value / x) >> 1n; y < x; y = (x + value / x) >> 1n) x = y
  return x * x < value ? x + 1n : x
}
