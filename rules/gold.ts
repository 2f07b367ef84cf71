/** Rules 5 and 6, amendments 5b and 6a (gold tasks): a validator's calibrated record on tasks with a known answer. */

import { bigintMax, PPM } from './bps.ts'
import { decay } from './decay.ts'

/** One answer to a gold task. `confidence` is the stated probability of being correct, 0–100. A commitment that was not revealed counts as its worst
 *  reveal: wrong with confidence 100. `epoch`: when its round was opened. */
export type GoldAnswer = { taskId: string; validator: string; right: boolean; confidence: number; epoch: bigint }

/** A validator's record on gold tasks, decayed to `epoch`: their number, and the sum of squared errors `(100 × correct − confidence)²` in 10⁻⁴,
 *  both times a million. */
export type GoldRecord = { epoch: bigint; tasks: bigint; squaredError: bigint }
export const EMPTY_RECORD: GoldRecord = { epoch: 0n, tasks: 0n, squaredError: 0n }

/** Squared error of confidence 50, which says nothing, in 10⁻⁴. */
const UNINFORMED = 2_500n
/** A new record starts with this many uninformed tasks, in ppm, so that one lucky answer does not count as skill. */
const PRIOR_TASKS = 4n * PPM

/** Decays the record to an answer's epoch and adds the answer. An answer of an earlier epoch counts as of the record's.
 *  @throws RangeError when the confidence is not a whole number from 0 to 100. */
export function recordGold(
  record: GoldRecord,
  { right, confidence, epoch }: Pick<GoldAnswer, 'right' | 'confidence' | 'epoch'>,
): GoldRecord {
  if (!Number.isInteger(confidence) || confidence < 0 || confidence > 100)
    throw new RangeError(`Confidence must be a whole number from 0 to 100, got ${confidence}.`)
  const error = BigInt((right ? 100 : 0) - confidence)
  const before = decayRecord(record, epoch)
  return {
    epoch: before.epoch,
    tasks: before.tasks + PPM,
    squaredError: before.squaredError + error * error * PPM,
  }
}

/** The record as of a later epoch; of an earlier one, the record as it is. */
export function decayRecord(record: GoldRecord, epoch: bigint): GoldRecord {
  const passed = epoch - record.epoch
  return {
    epoch: bigintMax(epoch, record.epoch),
    tasks: decay(record.tasks, passed),
    squaredError: decay(record.squaredError, passed),
  }
}

/**
 * Calibrated skill in ppm: `1 − Brier / 0.25`, not below 0 (Brier 1950). It is 0 for confidence 50 and for unjustified confidence, and
 * approaches one million for correct answers with confidence 100. The Brier score includes four uninformed tasks.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { EMPTY_RECORD, recordGold, skill } from '#rules/gold.ts'
 *
 * assert.equal(skill(EMPTY_RECORD), 0n)
 * assert.equal(skill(recordGold(EMPTY_RECORD, { right: true, confidence: 100, epoch: 1n })), 200_000n) // one task of five
 * ```
 */
export function skill(record: GoldRecord): bigint {
  const worst = (record.tasks + PRIOR_TASKS) * UNINFORMED
  const error = record.squaredError + PRIOR_TASKS * UNINFORMED
  return (bigintMax(worst - error, 0n) * PPM) / worst
}

/**
 * Whether failing `failed` of `answered` gold tasks is more than bad luck: an honest validator with the error rate `honestError` (ppm) would
 * fail as many with a probability below `level` (ppm). Exact binomial tail.
 * @throws RangeError when more tasks failed than were answered.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { failsBeyondChance } from '#rules/gold.ts'
 *
 * assert.equal(failsBeyondChance(3n, 3n, 200_000n, 10_000n), true) // 0.2³ = 0.8 %
 * assert.equal(failsBeyondChance(2n, 2n, 200_000n, 10_000n), false) // 0.2² = 4 %
 * ```
 */
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
