import { regularisedBeta, upperGamma } from './specialFunctions.ts'

/** P(Z ≥ z) for the standard normal distribution; small probabilities keep their digits. */
export function normalUpperTail(z: number): number {
  const tail = upperGamma(0.5, (z * z) / 2)
  return z >= 0 ? tail / 2 : 1 - tail / 2
}

/** P(T ≥ t) for Student's t distribution with `freedom` degrees of freedom, which need not be whole; Infinity gives the
 *  normal distribution. @throws RangeError when `freedom` is not positive. */
export function studentUpperTail(t: number, freedom: number): number {
  if (!(freedom > 0)) throw new RangeError(`Student's distribution needs more than ${freedom} degrees of freedom.`)
  if (freedom === Number.POSITIVE_INFINITY) return normalUpperTail(t)
  const tail = 0.5 * regularisedBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
  return t >= 0 ? tail : 1 - tail
}

/** P(Z ≤ z) for the standard normal distribution. */
export function normalCdf(z: number): number {
  return normalUpperTail(-z)
}

/** P(T ≤ t) for Student's t distribution. @throws RangeError when `freedom` is not positive. */
export function studentCdf(t: number, freedom: number): number {
  return studentUpperTail(-t, freedom)
}

/** The z with `normalCdf(z) = probability`; ±Infinity at 0 and 1. @throws RangeError outside 0 to 1. */
export function normalQuantile(probability: number): number {
  return quantile(probability, normalCdf)
}

/** The t with `studentCdf(t, freedom) = probability`; ±Infinity at 0 and 1. @throws RangeError outside 0 to 1. */
export function studentQuantile(probability: number, freedom: number): number {
  return quantile(probability, (t) => studentCdf(t, freedom))
}

/**
 * Inverts the distribution function of a symmetric distribution: doubling finds a bracket, then bisection goes on to the
 * last bit. It searches the lower tail only, where small probabilities keep their digits.
 */
function quantile(probability: number, cdf: (x: number) => number): number {
  if (!(probability >= 0 && probability <= 1)) throw new RangeError(`A probability is from 0 to 1, not ${probability}.`)
  if (probability > 0.5) return -quantile(1 - probability, cdf)
  if (probability === 0) return Number.NEGATIVE_INFINITY
  if (probability === 0.5) return 0
  let low = -1
  while (cdf(low) > probability) low *= 2
  let high = low === -1 ? 0 : low / 2
  for (;;) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high) return middle
    if (cdf(middle) < probability) low = middle
    else high = middle
  }
}
