import { normalQuantile, studentCdf, studentQuantile } from '#math/distributions.ts'
import { meanOf, sampleVariance } from '#math/summary.ts'
import type { Random } from './random.ts'

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
  const reach = standardError * studentQuantile((1 + checked(confidence)) / 2, freedom)
  return { low: mean - reach, high: mean + reach }
}

export type PairedDifference = Estimate & {
  /** Two-sided: how often a difference as large would arise between equals. */
  pValue: number
  interval: ConfidenceInterval
  /** How the two sides go together over the questions; the closer to 1, the more pairing gains. NaN if one is constant. */
  correlation: number
}

/** How much better `ours` did than `theirs` on the same questions, in the same order. */
export function pairedDifference(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  { clusters, confidence = 0.95 }: { clusters?: ArrayLike<unknown>; confidence?: number } = {},
): PairedDifference {
  if (ours.length !== theirs.length) {
    throw new Error(
      `${ours.length} results cannot be paired with ${theirs.length}: both must answer the same questions.`,
    )
  }
  const estimate = estimateMean(
    Float64Array.from(ours, (value, i) => value - theirs[i]),
    clusters,
  )
  return {
    ...estimate,
    pValue: pValueOf(estimate),
    interval: meanInterval(estimate, confidence),
    correlation: correlation(ours, theirs),
  }
}

/** Pearson's correlation; NaN when a side is constant. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values cannot be paired with ${b.length}.`)
  const [meanA, meanB] = [finiteMean(a), finiteMean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - meanA) * (b[i] - meanB)
    aa += (a[i] - meanA) ** 2
    bb += (b[i] - meanB) ** 2
  }
  return ab / Math.sqrt(aa * bb)
}

/** Spearman's rank correlation; ties share their mean rank. */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return correlation(ranks(a), ranks(b))
}

/** Ranks from 1; equal values share the mean of theirs. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((i, j) => values[i] - values[j])
  const out = new Float64Array(values.length)
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && values[order[end]] === values[order[start]]) end++
    for (let i = start; i < end; i++) out[order[i]] = (start + end + 1) / 2
  }
  return out
}

/** The area under the ROC curve: how often a positive scores above a negative, ties counting half (Mann & Whitney). */
export function areaUnderCurve(scores: ArrayLike<number>, positive: ArrayLike<boolean>): number {
  const rank = ranks(scores)
  let [sum, positives] = [0, 0]
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(scores[i])) throw new Error(`Score ${i} is NaN.`)
    if (positive[i]) [sum, positives] = [sum + rank[i], positives + 1]
  }
  const negatives = scores.length - positives
  if (!positives || !negatives) throw new Error('The area needs both positives and negatives.')
  return (sum - (positives * (positives + 1)) / 2) / (positives * negatives)
}

/** Wilson's interval (1927) for a proportion; sound also near 0 and 1 and for few trials. */
export function wilsonInterval(successes: number, trials: number, confidence = 0.95): ConfidenceInterval {
  if (!(trials > 0 && successes >= 0 && successes <= trials)) {
    throw new Error(`${successes} successes of ${trials} trials are not a proportion.`)
  }
  const z = normalQuantile((1 + checked(confidence)) / 2)
  const share = successes / trials
  const centre = share + (z * z) / (2 * trials)
  const reach = z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials))
  const scale = 1 + (z * z) / trials
  return { low: Math.max(0, (centre - reach) / scale), high: Math.min(1, (centre + reach) / scale) }
}

/**
 * The percentile interval of any statistic by resampling with replacement (Efron, 1979), whole clusters at a time where
 * given. The same generator state gives the same interval.
 */
export function bootstrapInterval(
  values: ArrayLike<number>,
  statistic: (sample: Float64Array) => number,
  options: { random: Random; resamples?: number; confidence?: number; clusters?: ArrayLike<unknown> },
): ConfidenceInterval & { standardError: number } {
  const { random, resamples = 1000, confidence = 0.95, clusters } = options
  finiteMean(values) // refuses nothing and NaN
  const groups = new Map<unknown, number[]>()
  for (let i = 0; i < values.length; i++) {
    const cluster = clusters ? clusters[i] : i
    const block = groups.get(cluster)
    if (block) block.push(values[i])
    else groups.set(cluster, [values[i]])
  }
  const blocks = [...groups.values()]
  const results = new Float64Array(resamples)
  for (let r = 0; r < resamples; r++) {
    results[r] = statistic(Float64Array.from(blocks.flatMap(() => random.choice(blocks))))
  }
  results.sort()
  const at = (share: number) => results[Math.min(resamples - 1, Math.max(0, Math.round(share * (resamples - 1))))]
  const tail = (1 - checked(confidence)) / 2
  return { low: at(tail), high: at(1 - tail), standardError: Math.sqrt(sampleVariance(results)) }
}

/** The mean. @throws Error when there are no values, or when one is not finite. */
export function finiteMean(values: ArrayLike<number>): number {
  if (values.length === 0) throw new Error('There are no values to average.')
  const bad = Array.prototype.findIndex.call(values, (value) => !Number.isFinite(value))
  if (bad >= 0) throw new Error(`Value ${bad} is ${values[bad]}; only finite numbers have a mean.`)
  return meanOf(values)
}

function pValueOf({ mean, standardError, freedom }: Estimate): number {
  if (freedom < 1) return Number.NaN
  if (standardError === 0) return mean === 0 ? 1 : 0
  return 2 * studentCdf(-Math.abs(mean / standardError), freedom)
}

function checked(confidence: number): number {
  if (!(confidence > 0 && confidence < 1)) throw new Error(`A confidence lies between 0 and 1, not at ${confidence}.`)
  return confidence
}
