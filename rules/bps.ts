/** One whole in basis points: shares of money are integers out of this. */
export const BPS = 10_000n

/** One whole in parts per million: scores, weights and probabilities on chain are integers out of this. */
export const PPM = 1_000_000n

/** Floors `amount × share / whole`. Every division of money in the system is this one.
 *  @throws RangeError when `whole` is not positive or an argument is negative. */
export function mulDiv(amount: bigint, share: bigint, whole: bigint): bigint {
  if (whole <= 0n) throw new RangeError(`mulDiv: the whole must be positive, got ${whole}`)
  if (amount < 0n || share < 0n) throw new RangeError(`mulDiv: negative argument (${amount} × ${share} / ${whole})`)
  return (amount * share) / whole
}

/** The smaller of two amounts (`Math.min` knows no bigint). */
export function bigintMin(a: bigint, b: bigint): bigint {
  if (a < b) return a
  return b
}

/** The larger of two amounts (`Math.max` knows no bigint). */
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
