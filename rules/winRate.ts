/** Rule 15 (promotion): an alignment whose answers people like less was in vain. The chain does not know win rates: the steward leaves such a version. */

import { inWords, type MetricEvaluation } from './promotion.ts'

/** The metric of an aligned version: how often its answers are preferred to those of the version from which it was made. */
export const WIN_RATE = 'winRate'

/** In ppm. */
const EVEN = 500_000n

type Measured = Pick<MetricEvaluation, 'metric' | 'score' | 'lower' | 'upper' | 'n'>

/**
 * The win rate of a version whose answers lose to those of the version before, even at the upper bound; undefined for any other.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { lostText, lostWinRate } from '#rules/winRate.ts'
 *
 * const measured = { metric: 'winRate', score: 420_000n, lower: 380_000n, upper: 460_000n, n: 160n }
 * assert.equal(lostWinRate([{ ...measured, upper: 500_000n }]), undefined)
 * assert.equal(
 *   lostText(lostWinRate([measured]) ?? measured),
 *   'Its answers lose to those of the version before: winRate 0.42 (0.38 to 0.46, 160 items).',
 * )
 * ```
 */
export const lostWinRate = <M extends Measured>(metrics: readonly M[]): M | undefined =>
  metrics.find(({ metric, upper }) => metric === WIN_RATE && upper < EVEN)

/** Says that a version has lost, with the interval. */
export const lostText = (lost: Measured): string =>
  `Its answers lose to those of the version before: ${WIN_RATE} ${inWords(lost)}.`
