/** Rule 15, amendment 15 and the invariant "a version serves only if its evaluation met the targets" (promotion). */

import { decimalText } from './decimalText.ts'

/** A mandate's requirement for a metric: its lower confidence bound must reach `minimum`. ppm, may be negative. Unless it `mayFall`, a version that is
 *  significantly worse than the live one is refused. */
export type MetricTarget = { metric: string; minimum: bigint; mayFall: boolean }

/** One `EvaluationLogged`: estimate and confidence interval in ppm, over `n` items. `order` increases along the chain. */
export type MetricEvaluation = { metric: string; score: bigint; lower: bigint; upper: bigint; n: bigint; order: bigint }

/** How a version compares with one target. `evaluation` is the first of the metric, `null` when there is none yet. `undecided`: the
 *  interval contains the minimum, so a rubric with more items could decide. `worse`: the minimum is met, but the live version is better even at its
 *  lower bound. */
export type TargetResult = {
  target: MetricTarget
  evaluation: MetricEvaluation | null
  verdict: 'met' | 'missed' | 'undecided' | 'unmeasured' | 'worse'
  reason: string
}

/**
 * Judges a version against every target of its mandate, by the first evaluation of each metric under the mandate's rubric. It may be
 * promoted only if all targets are met at the lower confidence bound, and no metric is significantly worse than that of the live version; no version
 * meets a mandate without targets.
 * @throws RangeError when a score is outside its interval.
 * @oracle EvaluationRegistry.meets, EvaluationRegistry.worseAt
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { judgeVersion } from '#rules/promotion.ts'
 *
 * const { promotable, results } = judgeVersion(
 *   [{ metric: 'accuracy', minimum: 700_000n, mayFall: false }],
 *   [{ metric: 'accuracy', score: 720_000n, lower: 690_000n, upper: 750_000n, n: 200n, order: 1n }],
 * )
 * assert.equal(promotable, false)
 * assert.equal(results[0]?.verdict, 'undecided')
 * ```
 */
export function judgeVersion(
  targets: readonly MetricTarget[],
  evaluations: readonly MetricEvaluation[],
  live: readonly MetricEvaluation[] = [],
): { promotable: boolean; results: TargetResult[] } {
  const [own, ofLive] = [firstOfEach(evaluations), firstOfEach(live)]
  const results = targets.map((target) =>
    judgeTarget(target, own.get(target.metric) ?? null, target.mayFall ? undefined : ofLive.get(target.metric)),
  )
  return { promotable: results.length > 0 && results.every((result) => result.verdict === 'met'), results }
}

/** The evaluation of each metric that counts: its first. */
export function firstOfEach(evaluations: readonly MetricEvaluation[]): Map<string, MetricEvaluation> {
  const first = new Map<string, MetricEvaluation>()
  for (const evaluation of evaluations) {
    const known = first.get(evaluation.metric)
    if (known === undefined || evaluation.order < known.order) first.set(evaluation.metric, evaluation)
  }
  return first
}

function judgeTarget(
  target: MetricTarget,
  evaluation: MetricEvaluation | null,
  live: MetricEvaluation | undefined,
): TargetResult {
  if (evaluation === null)
    return { target, evaluation, verdict: 'unmeasured', reason: `${target.metric} has not been evaluated yet.` }
  const { lower, upper, score } = evaluation
  if (lower > score || score > upper)
    throw new RangeError(`${target.metric}: the score ${score} is outside its interval ${lower} to ${upper}.`)
  /** The live version, where it is significantly better. */
  const better = live !== undefined && isWorse(evaluation, live) ? live : undefined
  const verdict = lower < target.minimum ? (upper < target.minimum ? 'missed' : 'undecided') : better ? 'worse' : 'met'
  const comparison = `${target.metric} ${inWords(evaluation)} against ${decimalText(target.minimum)}`
  const reason =
    verdict === 'undecided'
      ? `${comparison}: the interval contains the minimum. Improve the model, or ask in the next mandate for a rubric with more items.`
      : better && verdict === 'worse'
        ? `${comparison}: met, but the live version is significantly better, with ${inWords(better)}. Improve the model.`
        : `${comparison}: ${verdict} at the ${verdict === 'met' ? 'lower' : 'upper'} confidence bound.`
  return { target, evaluation, verdict, reason }
}

/** Whether a version is significantly worse than another: at its upper bound it is below the lower one of that. */
export const isWorse = (own: Pick<MetricEvaluation, 'upper'>, other: Pick<MetricEvaluation, 'lower'>): boolean =>
  own.upper < other.lower

/** A score with its interval, as `0.8 (0.75 to 0.85, 200 items)`. */
export const inWords = (measured: Pick<MetricEvaluation, 'score' | 'lower' | 'upper' | 'n'>): string =>
  `${decimalText(measured.score)} (${decimalText(measured.lower)} to ${decimalText(measured.upper)}, ${measured.n} items)`

/** The version that serves: the newest (by id) of those that were promoted and not rolled back; `null` when there is none. A version can be
 *  promoted only while no newer one serves, so the newest is also the last promoted.
 *  @oracle ModelRegistry.liveVersion */
export function liveVersion(serving: Iterable<bigint>): bigint | null {
  let newest: bigint | null = null
  for (const id of serving) if (newest === null || id > newest) newest = id
  return newest
}
