import { normalQuantile, studentQuantile } from '#math/distributions.ts'
import { meanOf } from '#math/summary.ts'

/** A mean and how sure it is. */
export type Estimate = {
  mean: number
  /** The standard error of the mean; NaN when a single cluster leaves it unknown. */
  standardError: number
  /** Values behind the mean. */
  count: number
  /** Degrees of freedom: clusters less one. */
  freedom: number
}

export type ConfidenceInterval = { low: number; high: number }

/**
 * The mean of values with its standard error. Values of one cluster (questions on one text, say) may depend on one
 * another: their errors add up before they are squared (Miller, "Adding Error Bars to Evals", 2024), times G/(G-1) for G
 * clusters, so that with every value its own cluster it is the usual s/√n. Throws on no values and on NaN.
 */
export function estimateMean(values: ArrayLike<number>, clusters?: ArrayLike<unknown>): Estimate {
  const mean = finiteMean(values)
  if (clusters && clusters.length !== values.length) {
    throw new Error(`There are ${values.length} values but ${clusters.length} clusters; each value belongs to one.`)
  }
  const errors = new Map<unknown, number>()
  for (let i = 0; i < values.length; i++) {
    const cluster = clusters ? clusters[i] : i
    errors.set(cluster, (errors.get(cluster) ?? 0) + values[i] - mean)
  }
  let squares = 0
  for (const error of errors.values()) squares += error * error
  const groups = errors.size
  const standardError = groups > 1 ? Math.sqrt((squares * groups) / (groups - 1)) / values.length : Number.NaN
  return { mean, standardError, count: values.length, freedom: groups - 1 }
}

/** The interval of Student's distribution around an estimated mean. */
export function meanInterval({ mean, standardError, freedom }: Estimate, confidence = 0.95): ConfidenceInterval {
  if (freedom < 1) return { low: -Infinity, high: Infinity }
  const reach = standardError * studentQuantile((1 + checkConfidence(confidence)) / 2, freedom)
  return { low: mean - reach, high: mean + reach }
}

/** Wilson's interval (1927) for a proportion; sound also near 0 and 1 and for few trials. */
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

export function checkConfidence(confidence: number): number {
  if (!(confidence > 0 && confidence < 1)) throw new Error(`A confidence lies between 0 and 1, not at ${confidence}.`)
  return confidence
}
