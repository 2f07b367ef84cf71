/** Rule 6, amendment 6a (calibration): what a validator can know of its own judgement. */

import { bigintMax, PPM } from './bps.ts'
import { decay } from './decay.ts'
import type { GoldAnswer } from './gold.ts'
import { NEWCOMER, updateReputation, wilsonLower, wilsonUpper } from './reputation.ts'

/** A validator's gold record as of an epoch, in ppm: `tasks` (decayed, a million each), how often it was right, with the two-sided 95 % interval, and how
 *  sure it said it was. Who is well calibrated is as sure as it is right. */
export type Calibration = { tasks: bigint; accuracy: bigint; lower: bigint; upper: bigint; confidence: bigint }

/**
 * The calibration after these answers, which come in the order of their epochs.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { calibrationOf } from '#rules/calibration.ts'
 *
 * const answers = [90, 80].map((confidence) => ({ taskId: '1', validator: 'a', right: true, confidence, epoch: 1n }))
 * const { accuracy, lower, confidence } = calibrationOf(answers, 1n)
 * assert.deepEqual([accuracy, confidence], [1_000_000n, 850_000n])
 * assert.equal(lower, 342_380n) // two tasks say little
 * ```
 */
export function calibrationOf(answers: readonly GoldAnswer[], epoch: bigint): Calibration {
  let counts = NEWCOMER
  let sure = 0n
  for (const answer of answers) {
    const at = bigintMax(answer.epoch, counts.epoch)
    sure = decay(sure, at - counts.epoch) + BigInt(answer.confidence) * (PPM / 100n)
    const [successes, failures] = answer.right ? [1n, 0n] : [0n, 1n]
    counts = updateReputation(counts, { epoch: at, successes, failures })
  }
  const now = bigintMax(epoch, counts.epoch)
  sure = decay(sure, now - counts.epoch)
  counts = updateReputation(counts, { epoch: now, successes: 0n, failures: 0n })
  const tasks = counts.successes + counts.failures
  const share = (part: bigint) => (tasks === 0n ? 0n : (part * PPM) / tasks)
  return {
    tasks,
    accuracy: share(counts.successes),
    lower: wilsonLower(counts),
    upper: wilsonUpper(counts),
    confidence: share(sure),
  }
}
