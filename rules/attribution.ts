import { studentUpperTail } from '#math/distributions.ts'
import { BPS, bigintMax, mulDiv, PPM } from './bps.ts'
import { ascending } from './order.ts'
import { quantise } from './quantise.ts'

/** Influences and their errors are recorded as integers of 10⁻⁹ (whatever the engine's unit is). */
export const NANO = 1_000_000_000n

/** A recorded influence or error as a float in the engine's unit, for people and charts; no rule reads it.
 *  @param nano 10⁻⁹ */
export const influenceInUnits = (nano: bigint): number => Number(nano) / Number(NANO)

/** A sample that clearly harmed the validation set loses a tenth of its stake: enough to make poison a loss, little enough that the
 *  estimate's errors do not ruin an honest contributor. */
export const HARM_SLASH_BPS = 1_000n

/** What a clearly negative influence costs, in wei: 10 % of the sample's stake, floored. */
export const harmSlash = (stakeWei: bigint): bigint => mulDiv(stakeWei, HARM_SLASH_BPS, BPS)
/** p-values are recorded as integers of 10⁻¹². */
export const P_WHOLE = 1_000_000_000_000n
/** The share of false discoveries allowed among the samples that count: 5 %. */
export const FALSE_DISCOVERY_PPM = 50_000n

/** What was measured of one sample: mean influence on the validation items (positive: helpful) and its standard error. */
export type Measurement = { contributionId: string; influence: number; standardError: number }

export type RecordedInfluence = {
  contributionId: string
  /** 10⁻⁹ */
  influence: bigint
  /** 10⁻⁹ */
  standardError: bigint
  /** One-sided, of no or negative influence, 10⁻¹² */
  pPositive: bigint
  /** One-sided, of no or positive influence, 10⁻¹² */
  pNegative: bigint
}

/** Quantises a measurement: the border between the engine's floats and the rules. Student's t over the validation items.
 *  A spread of zero is no evidence: it comes from too few items, so both p-values are then 1. */
export function recordInfluence(measured: Measurement, validationItems: number): RecordedInfluence {
  const influence = quantise(measured.influence, NANO)
  const standardError = quantise(measured.standardError, NANO)
  if (standardError < 0n) throw new RangeError(`Standard error ${measured.standardError} is negative.`)
  const known = standardError > 0n && validationItems >= 2
  const tail = (t: number) => (known ? quantise(studentUpperTail(t, validationItems - 1), P_WHOLE) : P_WHOLE)
  const t = known ? Number(influence) / Number(standardError) : 0
  return { contributionId: measured.contributionId, influence, standardError, pPositive: tail(t), pNegative: tail(-t) }
}

/** Benjamini and Hochberg (1995): which of the p-values (in 10⁻¹²) stand at a false discovery rate of `rate` ppm: all up to the
 *  largest with `p(k) × m ≤ rate × k`. Exact. */
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
  /** Exact: influence (10⁻⁹) × uniqueness (ppm); money is split by this. 0 when the sample does not count. */
  weight: bigint
  /** The same out of one million, floored: what is published. */
  weightPpm: bigint
  /** Why, for the contributor. */
  reason: string
}

/** Weights of the contributions in a version (rule 4): significant positive influence × uniqueness. The discovery rate is
 *  controlled over all samples with a uniqueness above zero: copies are no further tests, otherwise a flood of copies of
 *  a helpful sample would lower the bar for the flooder's noise.
 *  `harmful` lists the samples whose influence is clearly negative (upper bound below zero at the same discovery rate). */
export function attributionWeights(samples: readonly (RecordedInfluence & { uniqueness: bigint })[]): {
  weights: ContributionWeight[]
  total: bigint
  harmful: RecordedInfluence[]
} {
  const ids = new Set(samples.map((sample) => sample.contributionId))
  if (ids.size < samples.length) throw new RangeError('A contribution is measured twice. Give one measurement each.')
  const tested = samples.filter((sample) => sample.uniqueness > 0n)
  const helps = significant(tested, 'pPositive')
  const harmful = significant([...samples], 'pNegative')

  const exact = samples.map((s) => (helps.has(s.contributionId) ? bigintMax(s.influence, 0n) * s.uniqueness : 0n))
  const total = exact.reduce((sum, weight) => sum + weight, 0n)
  const weights = samples.map((sample, i) => ({
    contributionId: sample.contributionId,
    weight: exact[i]!,
    weightPpm: total === 0n ? 0n : mulDiv(exact[i]!, PPM, total),
    reason: reasonFor(sample, exact[i]! > 0n, harmful.has(sample.contributionId)),
  }))
  return { weights, total, harmful: samples.filter((s) => harmful.has(s.contributionId) && s.influence < 0n) }
}

function significant(samples: readonly RecordedInfluence[], side: 'pPositive' | 'pNegative'): Set<string> {
  const stands = benjaminiHochberg(samples.map((sample) => sample[side]))
  return new Set(samples.filter((_, i) => stands[i]).map((sample) => sample.contributionId))
}

function reasonFor(sample: RecordedInfluence & { uniqueness: bigint }, counts: boolean, harms: boolean): string {
  if (sample.uniqueness === 0n) return 'Nothing in it was new: its uniqueness is 0.'
  if (counts)
    return `Helped the validation set: influence ${sample.influence}e-9 × uniqueness ${sample.uniqueness} ppm.`
  if (harms) return `Harmed the validation set: influence ${sample.influence}e-9, upper bound below zero.`
  return 'No influence that can be told from chance at a false discovery rate of 5 %.'
}
