// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { normalQuantile, studentQuantile } from '#math/distributions.ts'
import { meanOf } from '#math/summary.ts'

/** An estimated mean and its uncertainty. */
export type Estimate = {
  mean: number
  /** The standard error of the mean; NaN when there is only one cluster. */
  standardError: number
  /** Number of values. */
  count: number
  /** Degrees of freedom: the number of clusters minus one. */
  freedom: number
}

export type ConfidenceInterval = { low: number; high: number }

/**
 * Estimates a mean and its clustered standard error. Values of one cluster (for example, questions about one text) may
 * depend on each other, so their errors are added before they are squared (Miller, "Adding Error Bars to Evals", 2024). The
 * factor G/(G-1) for G clusters makes the result the usual s/√n when every value is a cluster of its own.
 * @throws Error when there are no values, or when one is not finite.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { estimateMean, meanInterval } from '#engine/stats/estimate.ts'
 *
 * const estimate = estimateMean([1, 0, 1, 1], ['text a', 'text a', 'text b', 'text c'])
 * assert.equal(estimate.mean, 0.75)
 * assert.equal(estimate.freedom, 2)
 * const { low, high } = meanInterval(estimate, 0.95)
 * assert.ok(low < 0.75 && 0.75 < high)
 * ```
 */
export function estimateMean(values: ArrayLike<number>, clusters?: ArrayLike<unknown>): Estimate {
  const mean = finiteMean(values)
  if (clusters && clusters.length !== values.length) {
    throw new Error(
      `There are ${values.length} values but ${clusters.length} cluster labels; give each value one label.`,
    )
  }
  const errors = new Map<unknown, number>()
  for (let i = 0; i < values.length; i++) {
    const cluster = clusters ? clusters[i] : i
    errors.set(cluster, (errors.get(cluster) ?? 0) + values[i]! - mean)
  }
  let squares = 0
  for (const error of errors.values()) squares += error * error
  const groups = errors.size
  const standardError = groups > 1 ? Math.sqrt((squares * groups) / (groups - 1)) / values.length : Number.NaN
  return { mean, standardError, count: values.length, freedom: groups - 1 }
}

/** The confidence interval of an estimated mean, from Student's t distribution. */
export function meanInterval({ mean, standardError, freedom }: Estimate, confidence = 0.95): ConfidenceInterval {
  if (freedom < 1) return { low: -Infinity, high: Infinity }
  const reach = standardError * studentQuantile((1 + checkConfidence(confidence)) / 2, freedom)
  return { low: mean - reach, high: mean + reach }
}

/**
 * Wilson's score interval (1927) for a proportion. It stays valid near 0 and 1 and for few trials.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { wilsonInterval } from '#engine/stats/estimate.ts'
 *
 * const { low, high } = wilsonInterval(9, 10)
 * assert.equal(low.toFixed(3), '0.596')
 * assert.equal(high.toFixed(3), '0.982')
 * ```
 */
export function wilsonInterval(successes: number, trials: number, confidence = 0.95): ConfidenceInterval {
  if (!(trials > 0 && successes >= 0 && successes <= trials)) {
    throw new Error(`${successes} successes of ${trials} trials are not a proportion.`)
  }
  const z = normalQuantile((1 + checkConfidence(confidence)) / 2)
  const share = successes / trials
  const centre = share + (z * z) / (2 * trials)
  const reach = z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials))
  const scale = 1 + (z * z) / trials
  return { low: Math.max(0, (centre - reach) / scale), high: Math.min(1, (centre + reach) / scale) }
}

/** The mean. @throws Error when there are no values, or when one is not finite. */
export function finiteMean(values: ArrayLike<number>): number {
  if (values.length === 0) throw new Error('There are no values to average.')
  const bad = Array.prototype.findIndex.call(values, (value) => !Number.isFinite(value))
  if (bad >= 0) throw new Error(`Value ${bad} is ${values[bad]}; only finite numbers have a mean.`)
  return meanOf(values)
}

/** Returns the confidence level. @throws Error when it is not between 0 and 1. */
export function checkConfidence(confidence: number): number {
  if (!(confidence > 0 && confidence < 1))
    throw new Error(`A confidence level must be between 0 and 1, not ${confidence}.`)
  return confidence
}
