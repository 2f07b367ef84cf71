// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

/** The sum, added from the first value to the last, so that equal lists give equal bits. */
export function sumOf(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum
}

/** The arithmetic mean; NaN for no values. */
export function meanOf(values: ArrayLike<number>): number {
  return sumOf(values) / values.length
}

/** The unbiased variance of a sample (divided by n − 1); NaN for fewer than two values. */
export function sampleVariance(values: ArrayLike<number>): number {
  return values.length < 2 ? Number.NaN : squaredDeviations(values) / (values.length - 1)
}

/** The variance of a whole population (divided by n); NaN for no values. */
export function populationVariance(values: ArrayLike<number>): number {
  return squaredDeviations(values) / values.length
}

function squaredDeviations(values: ArrayLike<number>): number {
  const mean = meanOf(values)
  let squares = 0
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2
  return squares
}
