/** Rule 6, amendment 6a (reputation): decayed counts, Wilson's lower bound and tiers. */

import { PPM, sqrtUp } from './bps.ts'
import { decay } from './decay.ts'
import { elementAt } from './lookup.ts'

/** Successes and failures on gold tasks of one validator in one domain, in ppm of a task, decayed to `epoch`. */
export type ReputationCounts = { epoch: bigint; successes: bigint; failures: bigint }
export const NEWCOMER: ReputationCounts = { epoch: 0n, successes: 0n, failures: 0n }

/** Tiers in ascending order, each with the Wilson lower bound that it needs (ppm). The number of a tier is its index. */
export const TIERS = [
  { name: 'newcomer', needs: 0n },
  { name: 'apprentice', needs: 500_000n },
  { name: 'trusted', needs: 700_000n },
  { name: 'expert', needs: 850_000n },
] as const
export type Tier = (typeof TIERS)[number]['name']

/**
 * Decays the counts to the epoch of the news and adds the answers of that epoch.
 * @throws RangeError when the epoch is before that of the counts.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { NEWCOMER, updateReputation } from '#rules/reputation.ts'
 *
 * const first = updateReputation(NEWCOMER, { epoch: 1n, successes: 2n, failures: 0n })
 * const later = updateReputation(first, { epoch: 2n, successes: 0n, failures: 1n })
 * assert.deepEqual(later, { epoch: 2n, successes: 1_900_000n, failures: 1_000_000n })
 * ```
 */
export function updateReputation(
  before: ReputationCounts,
  news: { epoch: bigint; successes: bigint; failures: bigint },
): ReputationCounts {
  if (news.epoch < before.epoch) throw new RangeError(`Epoch ${news.epoch} is before the reputation's ${before.epoch}.`)
  const passed = news.epoch - before.epoch
  return {
    epoch: news.epoch,
    successes: decay(before.successes, passed) + news.successes * PPM,
    failures: decay(before.failures, passed) + news.failures * PPM,
  }
}

/** z of the two-sided 95 % interval, in ppm: 1.959964. */
const Z = 1_959_964n

/**
 * Wilson's lower bound (1927) of the success rate at 95 %, in ppm, floored; 0 without any count. In integers, with counts in ppm of a task
 * and the root rounded up: `(s + z²/2 − z √(s f / n + z²/4)) / (n + z²)`.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { wilsonLower } from '#rules/reputation.ts'
 *
 * assert.equal(wilsonLower({ successes: 10_000_000n, failures: 0n }), 722_467n) // 10 of 10 tasks
 * ```
 */
export function wilsonLower({ successes, failures }: Pick<ReputationCounts, 'successes' | 'failures'>): bigint {
  const n = successes + failures
  if (n === 0n) return 0n
  const z2 = Z * Z // 10⁻¹²
  const spread = sqrtUp((z2 * successes * failures * PPM) / n + (z2 * z2) / 4n + 2n) // 10⁻²⁴ under the root; + 2 makes up for both floors
  const lower = successes * PPM + z2 / 2n - spread // at least −1, which the division turns into 0
  return (lower * PPM) / (n * PPM + z2)
}

/** Wilson's upper bound of the success rate at 95 %, in ppm: what the lower bound of the failures leaves; 1,000,000 without any count. */
export const wilsonUpper = ({ successes, failures }: Pick<ReputationCounts, 'successes' | 'failures'>): bigint =>
  PPM - wilsonLower({ successes: failures, failures: successes })

/** The published rating: the bound in ppm and the tier that it reaches, by number and name. */
export function rateReputation(reputation: ReputationCounts): { value: bigint; tier: number; name: Tier } {
  const value = wilsonLower(reputation)
  const reached = TIERS.filter(({ needs }) => value >= needs)
  const tier = reached.length - 1
  return { value, tier, name: elementAt(reached, tier).name }
}
