/** A mandate's demand on a metric: its lower confidence bound must reach `minimum`. ppm, may be negative. */
export type MetricTarget = { metric: string; minimum: bigint }

/** One `EvaluationLogged`: estimate and confidence interval in ppm, over `n` items. `order` is its place in the chain's history. */
export type MetricEvaluation = { metric: string; score: bigint; lower: bigint; upper: bigint; n: bigint; order: bigint }

/** How a version stands against one target. `evaluation` is the metric's latest, `null` when there is none yet.
 *  `undecided`: the interval holds the minimum, so that more items could settle it. */
export type TargetResult = {
  target: MetricTarget
  evaluation: MetricEvaluation | null
  verdict: 'met' | 'missed' | 'undecided' | 'unmeasured'
  reason: string
}

/** Judges a version against every target of its mandate by each metric's latest evaluation. It may be promoted only if all
 *  are met at the lower confidence bound. A mandate without targets is met by nothing: it was never said what is good. */
export function judgeVersion(
  targets: readonly MetricTarget[],
  evaluations: readonly MetricEvaluation[],
): { promotable: boolean; results: TargetResult[] } {
  const latest = new Map<string, MetricEvaluation>()
  for (const evaluation of evaluations) {
    const known = latest.get(evaluation.metric)
    if (known === undefined || evaluation.order >= known.order) latest.set(evaluation.metric, evaluation)
  }
  const results = targets.map((target) => judgeTarget(target, latest.get(target.metric) ?? null))
  return { promotable: results.length > 0 && results.every((result) => result.verdict === 'met'), results }
}

function judgeTarget(target: MetricTarget, evaluation: MetricEvaluation | null): TargetResult {
  if (evaluation === null)
    return { target, evaluation, verdict: 'unmeasured', reason: `${target.metric} has not been evaluated yet.` }
  const { lower, upper, score, n } = evaluation
  if (lower > score || score > upper)
    throw new RangeError(`${target.metric}: the score ${score} lies outside its interval ${lower} to ${upper}.`)
  const verdict = lower >= target.minimum ? 'met' : upper < target.minimum ? 'missed' : 'undecided'
  const stand = `${target.metric} ${score} (${lower} to ${upper}, ${n} items) against ${target.minimum}`
  const reason =
    verdict === 'undecided'
      ? `${stand}: the interval holds the minimum. Evaluate more items or improve the model.`
      : `${stand}: ${verdict} at the ${verdict === 'met' ? 'lower' : 'upper'} confidence bound.`
  return { target, evaluation, verdict, reason }
}

/** The version that serves: the newest of those that were promoted and not rolled back, by id; `null` when there is none. A version is
 *  promoted only while no newer one serves, so the newest is also the last promoted.
 *  @oracle ModelRegistry.liveVersion */
export function liveVersion(serving: Iterable<bigint>): bigint | null {
  let newest: bigint | null = null
  for (const id of serving) if (newest === null || id > newest) newest = id
  return newest
}
