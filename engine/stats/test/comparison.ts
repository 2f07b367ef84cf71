// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { studentCdf } from '#math/distributions.ts'
import type { Random } from '#math/random.ts'
import { sampleVariance } from '#math/summary.ts'
import {
  type ConfidenceInterval,
  checkConfidence,
  type Estimate,
  estimateMean,
  finiteMean,
  meanInterval,
} from '../estimate.ts'

export type PairedDifference = Estimate & {
  /** Two-sided p-value of the hypothesis that both sides are equally good. */
  pValue: number
  interval: ConfidenceInterval
  /** Correlation of both sides over the questions; the closer to 1, the more precision pairing gains. NaN if a side is constant. */
  correlation: number
}

/** The mean difference between `ours` and `theirs` on the same questions, in the same order. */
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
    Float64Array.from(ours, (value, i) => value - theirs[i]!),
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
    ab += (a[i]! - meanA) * (b[i]! - meanB)
    aa += (a[i]! - meanA) ** 2
    bb += (b[i]! - meanB) ** 2
  }
  return ab / Math.sqrt(aa * bb)
}

/** Spearman's rank correlation; tied values get their mean rank. */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return correlation(ranks(a), ranks(b))
}

/** Ranks from 1; equal values get the mean of their ranks. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((i, j) => values[i]! - values[j]!)
  const out = new Float64Array(values.length)
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++
    for (let i = start; i < end; i++) out[order[i]!] = (start + end + 1) / 2
  }
  return out
}

/** The area under the ROC curve: the share of pairs in which a positive scores above a negative; a tie counts half (Mann & Whitney). */
export function areaUnderCurve(scores: ArrayLike<number>, positive: ArrayLike<boolean>): number {
  const rank = ranks(scores)
  let [sum, positives] = [0, 0]
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(scores[i]!)) throw new Error(`Score ${i} is NaN.`)
    if (positive[i]) [sum, positives] = [sum + rank[i]!, positives + 1]
  }
  const negatives = scores.length - positives
  if (!positives || !negatives) throw new Error('The area needs both positives and negatives.')
  return (sum - (positives * (positives + 1)) / 2) / (positives * negatives)
}

/**
 * The percentile bootstrap interval of any statistic (Efron, 1979). With `clusters`, whole clusters are resampled. The same
 * generator state gives the same interval.
 */
export function bootstrapInterval(
  values: ArrayLike<number>,
  statistic: (sample: Float64Array) => number,
  options: { random: Random; resamples?: number; confidence?: number; clusters?: ArrayLike<unknown> },
): ConfidenceInterval & { standardError: number } {
  const { random, resamples = 1000, confidence = 0.95, clusters } = options
  finiteMean(values) // throws on an empty list and on NaN
  const groups = new Map<unknown, number[]>()
  for (let i = 0; i < values.length; i++) {
    const cluster = clusters ? clusters[i] : i
    const block = groups.get(cluster)
    if (block) block.push(values[i]!)
    else groups.set(cluster, [values[i]!])
  }
  const blocks = [...groups.values()]
  const results = new Float64Array(resamples)
  for (let r = 0; r < resamples; r++) {
    results[r] = statistic(Float64Array.from(blocks.flatMap(() => random.choice(blocks))))
  }
  results.sort()
  const at = (share: number) => results[Math.min(resamples - 1, Math.max(0, Math.round(share * (resamples - 1))))]!
  const tail = (1 - checkConfidence(confidence)) / 2
  return { low: at(tail), high: at(1 - tail), standardError: Math.sqrt(sampleVariance(results)) }
}

function pValueOf({ mean, standardError, freedom }: Estimate): number {
  if (freedom < 1) return Number.NaN
  if (standardError === 0) return mean === 0 ? 1 : 0
  return 2 * studentCdf(-Math.abs(mean / standardError), freedom)
}
