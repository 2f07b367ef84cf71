import { bigintMax, PPM } from './bps.ts'

/** A validator's record on gold tasks: how many, and the sum of squared errors `(100 × right − confidence)²`, in 10⁻⁴. */
export type GoldRecord = { tasks: bigint; squaredError: bigint }
export const EMPTY_RECORD: GoldRecord = { tasks: 0n, squaredError: 0n }

/** Squared error of knowing nothing (confidence 50), in 10⁻⁴. */
const UNINFORMED = 2_500n
/** A new record starts with this many uninformed tasks, so that one lucky answer is no skill. */
const PRIOR_TASKS = 4n

/** Adds one answered gold task; `confidence` is the stated chance of being right, 0–100. */
export function recordGold(record: GoldRecord, right: boolean, confidence: number): GoldRecord {
  if (!Number.isInteger(confidence) || confidence < 0 || confidence > 100)
    throw new RangeError(`Confidence must be a whole number from 0 to 100, got ${confidence}.`)
  const error = BigInt((right ? 100 : 0) - confidence)
  return { tasks: record.tasks + 1n, squaredError: record.squaredError + error * error }
}

/** Calibrated skill in ppm: `1 − Brier / 0.25`, not below 0 (Brier 1950): 0 for knowing nothing and for boasting,
 *  one million for being always surely right. The Brier score includes four uninformed tasks. */
export function skill(record: GoldRecord): bigint {
  const worst = (record.tasks + PRIOR_TASKS) * UNINFORMED
  const error = record.squaredError + PRIOR_TASKS * UNINFORMED
  return (bigintMax(worst - error, 0n) * PPM) / worst
}

/** Whether failing `failed` of `answered` gold tasks is beyond bad luck: an honest judge, who errs at `honestError` (ppm),
 *  would fail as many with a probability below `level` (ppm). Exact binomial tail. */
export function failsBeyondChance(failed: bigint, answered: bigint, honestError: bigint, level: bigint): boolean {
  if (failed < 0n || failed > answered) throw new RangeError(`${failed} of ${answered} gold tasks cannot have failed.`)
  let tail = 0n
  let ways = 1n
  for (let k = answered; k >= failed; k--) {
    tail += ways * honestError ** k * (PPM - honestError) ** (answered - k)
    ways = (ways * k) / (answered - k + 1n)
  }
  return tail * PPM < level * PPM ** answered
}
