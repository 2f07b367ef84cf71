/** Rule 4 (attribution): the weight of each contribution in a version, and the penalty for harmful ones. */

import { studentUpperTail } from '#math/distributions.ts'
import { BPS, bigintMax, mulDiv, PPM } from './bps.ts'
import { ascending } from './order.ts'
import { quantise } from './quantise.ts'

/** Influences and their standard errors are recorded as integers of 10⁻⁹ of the engine's unit. */
export const NANO = 1_000_000_000n

/** A recorded influence or error as a float in the engine's unit, for people and charts; no rule reads it.
 *  @param nano 10⁻⁹ */
export const influenceInUnits = (nano: bigint): number => Number(nano) / Number(NANO)

/** A sample that clearly harmed the validation set loses 10 % of its stake: enough to make poisoning a loss, and so little that an error of
 *  the estimate does not ruin an honest contributor. */
export const HARM_SLASH_BPS = 1_000n

/** What a clearly negative influence costs, in wei: 10 % of the sample's stake, floored. */
export const harmSlash = (stakeWei: bigint): bigint => mulDiv(stakeWei, HARM_SLASH_BPS, BPS)
/** p-values are recorded as integers of 10⁻¹². */
export const P_WHOLE = 1_000_000_000_000n
/** The false discovery rate among the samples that count: 5 %. */
export const FALSE_DISCOVERY_PPM = 50_000n

/** The measured influence of one sample: mean over the validation items (positive: helpful) and its standard error. */
export type Measurement = { contributionId: string; influence: number; standardError: number }

export type RecordedInfluence = {
  contributionId: string
  /** 10⁻⁹ */
  influence: bigint
  /** 10⁻⁹ */
  standardError: bigint
  /** One-sided p-value of the hypothesis that the influence is 0 or negative, 10⁻¹² */
  pPositive: bigint
  /** One-sided p-value of the hypothesis that the influence is 0 or positive, 10⁻¹² */
  pNegative: bigint
}

/**
 * Quantises a measurement of the engine and computes its p-values by Student's t over the validation items. A standard error of 0 is no
 * evidence, because it comes from too few items: both p-values are then 1.
 * @throws RangeError when the standard error is negative or a value is not finite.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { recordInfluence } from '#rules/attribution.ts'
 *
 * const recorded = recordInfluence({ contributionId: '7', influence: 0.3, standardError: 0.1 }, 100)
 * assert.equal(recorded.influence, 300_000_000n) // 10⁻⁹
 * assert.ok(recorded.pPositive < 2_000_000_000n) // t = 3 with 99 degrees of freedom: p < 0.002
 * ```
 */
export function recordInfluence(measured: Measurement, validationItems: number): RecordedInfluence {
  const influence = quantise(measured.influence, NANO)
  const standardError = quantise(measured.standardError, NANO)
  if (standardError < 0n) throw new RangeError(`Standard error ${measured.standardError} is negative.`)
  const known = standardError > 0n && validationItems >= 2
  const tail = (t: number) => (known ? quantise(studentUpperTail(t, validationItems - 1), P_WHOLE) : P_WHOLE)
  const t = known ? Number(influence) / Number(standardError) : 0
  return { contributionId: measured.contributionId, influence, standardError, pPositive: tail(t), pNegative: tail(-t) }
}

/**
 * Benjamini and Hochberg (1995): which of the p-values (in 10⁻¹²) are significant at a false discovery rate of `rate` ppm: all up to the
 * largest with `p(k) × m ≤ rate × k`. Exact.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { benjaminiHochberg, P_WHOLE } from '#rules/attribution.ts'
 *
 * const pValues = [1n, 30n, 900n].map((thousandths) => (thousandths * P_WHOLE) / 1_000n)
 * assert.deepEqual(benjaminiHochberg(pValues), [true, true, false])
 * ```
 */
export function benjaminiHochberg(pValues: readonly bigint[], rate = FALSE_DISCOVERY_PPM): boolean[] {
  const sorted = [...pValues].sort(ascending)
  let threshold = -1n
  sorted.forEach((p, i) => {
    if (p * BigInt(sorted.length) * PPM <= rate * BigInt(i + 1) * P_WHOLE) threshold = p
  })
  return pValues.map((p) => p <= threshold)
}

export type ContributionWeight = {
  contributionId: string
  /** Exact: added influence (10⁻⁹) × uniqueness (ppm); the reward map splits money by it. 0 when the sample does not count. */
  weight: bigint
  /** The same in ppm of the total, floored: this is published. */
  weightPpm: bigint
  /** The part of its effect that is its own, in ppm: uniqueness × added influence / influence. It reduces its share of answers, too. */
  standing: bigint
  /** Why, for the contributor. */
  reason: string
}

/** A sample of a version. `added` is what its influence adds to that of the earlier ones that it holds; by default, all of it. */
export type WeighedSample = RecordedInfluence & { uniqueness: bigint; added?: RecordedInfluence }

/**
 * Weights of the contributions in a version: significant positive added influence × uniqueness. The false discovery rate is controlled over the
 * samples with a uniqueness above 0. Copies do not count as tests: otherwise someone could submit many copies of a helpful sample, and so
 * lower the threshold for noise. `harmful` lists the samples whose influence is significantly negative at the same rate.
 * @throws RangeError when a contribution is given twice.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { attributionWeights, recordInfluence } from '#rules/attribution.ts'
 *
 * const sample = (contributionId: string, influence: number, uniqueness: bigint) => ({
 *   ...recordInfluence({ contributionId, influence, standardError: 0.01 }, 100),
 *   uniqueness,
 * })
 * const { weights, harmful } = attributionWeights([
 *   sample('1', 0.3, 1_000_000n),
 *   sample('2', 0.1, 0n),
 *   sample('3', -0.2, 1_000_000n),
 * ])
 * assert.deepEqual(
 *   weights.map(({ weightPpm }) => weightPpm),
 *   [1_000_000n, 0n, 0n],
 * )
 * assert.deepEqual(
 *   harmful.map(({ contributionId }) => contributionId),
 *   ['3'],
 * )
 * ```
 */
export function attributionWeights(samples: readonly WeighedSample[]): {
  weights: ContributionWeight[]
  total: bigint
  harmful: RecordedInfluence[]
} {
  const ids = new Set(samples.map((sample) => sample.contributionId))
  if (ids.size < samples.length) throw new RangeError('A contribution is measured twice. Give one measurement each.')
  const tested = samples.filter((sample) => sample.uniqueness > 0n)
  const helps = significant(tested.map(addedBy), 'pPositive')
  const harmful = significant([...samples], 'pNegative')

  const weighted = samples.map((sample) => ({
    sample,
    weight: helps.has(sample.contributionId) ? bigintMax(addedBy(sample).influence, 0n) * sample.uniqueness : 0n,
  }))
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0n)
  const weights = weighted.map(({ sample, weight }) => ({
    contributionId: sample.contributionId,
    weight,
    weightPpm: total === 0n ? 0n : mulDiv(weight, PPM, total),
    standing: standingOf(sample),
    reason: reasonFor(sample, weight > 0n, harmful.has(sample.contributionId)),
  }))
  return { weights, total, harmful: samples.filter((s) => harmful.has(s.contributionId) && s.influence < 0n) }
}

function significant(samples: readonly RecordedInfluence[], side: 'pPositive' | 'pNegative'): Set<string> {
  const passes = benjaminiHochberg(samples.map((sample) => sample[side]))
  return new Set(samples.filter((_, i) => passes[i]).map((sample) => sample.contributionId))
}

function standingOf(sample: WeighedSample): bigint {
  const added = addedBy(sample).influence
  if (added === sample.influence) return sample.uniqueness
  return added <= 0n ? 0n : mulDiv(sample.uniqueness, added, sample.influence)
}

const addedBy = (sample: WeighedSample): RecordedInfluence => sample.added ?? sample

function reasonFor(sample: WeighedSample, counts: boolean, harms: boolean): string {
  if (sample.uniqueness === 0n) return 'Nothing in it was new: its uniqueness is 0.'
  const added = addedBy(sample).influence
  const repeats = added < sample.influence
  if (counts)
    return `Helped the validation set: influence ${added}e-9${repeats ? ` beyond an earlier sample that it holds (${sample.influence}e-9 in all)` : ''} × uniqueness ${sample.uniqueness} ppm.`
  if (harms) return `Harmed the validation set: influence ${sample.influence}e-9, upper bound below zero.`
  if (repeats) return 'Adds nothing that can be told from chance to an earlier sample that it holds.'
  return 'No influence that can be told from chance at a false discovery rate of 5 %.'
}
