/** Rule 15, amendment 15 (recourse): the version that serves is measured again, a part of the sealed items at a time, and what falls below the mandate
 *  opens recourse. */

import { decimalText } from './decimalText.ts'
import { inWords, type MetricEvaluation, type MetricTarget } from './promotion.ts'

export type MeasuredMetric = Pick<MetricEvaluation, 'metric' | 'score' | 'lower' | 'upper' | 'n'>

/** The newest measurements of every part of the items. */
type MeasuredParts = readonly (readonly MeasuredMetric[])[]

/** A part with fewer items would tell how single ones were answered. */
export const LEAST_ITEMS_OF_PART = 10

/** How many parts so many items have, when so many parts are wanted. */
export const partsOfItems = (items: number, wanted: number): number =>
  Math.max(1, Math.min(wanted, Math.floor(items / LEAST_ITEMS_OF_PART)))

/** The items of one part. Over all parts each item comes once. */
export const itemsOfPart = <T>(items: readonly T[], part: number, parts: number): T[] =>
  items.filter((_, index) => index % parts === part)

/**
 * Joins the measurements of a metric on different items: the mean over all items, and an interval from those of the parts. In ppm.
 * MOVER, the method of variance estimates recovery: Zou & Donner 2008, https://doi.org/10.1080/10543400802071345, equation 8.
 * @throws RangeError when there is no item.
 */
export function pooled(parts: readonly MeasuredMetric[]): Omit<MeasuredMetric, 'metric'> {
  const n = parts.reduce((sum, one) => sum + one.n, 0n)
  if (n === 0n) throw new RangeError('There are no items to pool.')
  const score = divided(
    parts.reduce((sum, one) => sum + one.n * one.score, 0n),
    n,
  )
  const half = (width: (one: MeasuredMetric) => bigint) =>
    squareRoot(parts.reduce((sum, one) => sum + (one.n * width(one)) ** 2n, 0n)) / n + 1n
  return {
    score,
    lower: score - half((one) => one.score - one.lower),
    upper: score + half((one) => one.upper - one.score),
    n,
  }
}

/** A target that the version no longer reaches. */
export interface FallenTarget {
  metric: string
  reason: string
}

/**
 * The targets of a mandate that a rotation is significantly below: the upper bound of the interval over all items is less than the minimum. A metric that is not
 * measured in every part has not fallen.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { fallenTargets } from '#rules/rollingEvaluation.ts'
 *
 * const part = (score: bigint) => [{ metric: 'exact', score, lower: score - 90_000n, upper: score + 90_000n, n: 40n }]
 * const targets = [{ metric: 'exact', minimum: 700_000n, mayFall: false }]
 * assert.equal(fallenTargets(targets, [part(650_000n), part(640_000n)]).length, 0)
 * assert.equal(fallenTargets(targets, [part(600_000n), part(610_000n)])[0]?.metric, 'exact')
 * ```
 */
export function fallenTargets(targets: readonly MetricTarget[], rotation: MeasuredParts): FallenTarget[] {
  return targets.flatMap(({ metric, minimum }) => {
    const parts = rotation.map((part) => part.find((one) => one.metric === metric))
    const measured = parts.filter((one) => one !== undefined)
    if (measured.length === 0 || measured.length < parts.length) return []
    const all = pooled(measured)
    if (all.upper >= minimum) return []
    return [
      { metric, reason: `${metric} ${inWords(all)} is below ${decimalText(minimum)} at the upper confidence bound.` },
    ]
  })
}

/** Rounded down, also below 0. */
const divided = (value: bigint, by: bigint): bigint => value / by - (value % by < 0n ? 1n : 0n)

/** The largest integer whose square is at most `value`: Newton's method. */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value
  let root = value
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}
