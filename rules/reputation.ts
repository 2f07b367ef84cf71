import { PPM, sqrtUp } from './bps.ts'

/** Gold successes and failures of one validator in one domain, in ppm of a task, decayed to `epoch`. */
export type ReputationCounts = { epoch: bigint; successes: bigint; failures: bigint }
export const NEWCOMER: ReputationCounts = { epoch: 0n, successes: 0n, failures: 0n }

/** What is left of a count after one epoch: 95 % (a half-life of 13.5 epochs). */
export const DECAY_PPM = 950_000n

/** Tiers in ascending order with the Wilson lower bound that each needs (ppm); the number of a tier is its place. */
export const TIERS = [
  { name: 'newcomer', needs: 0n },
  { name: 'apprentice', needs: 500_000n },
  { name: 'trusted', needs: 700_000n },
  { name: 'expert', needs: 850_000n },
] as const
export type Tier = (typeof TIERS)[number]['name']

/** Decays the counts to `epoch` and adds what was answered in it. */
export function updateReputation(
  before: ReputationCounts,
  news: { epoch: bigint; successes: bigint; failures: bigint },
): ReputationCounts {
  if (news.epoch < before.epoch)
    throw new RangeError(`Epoch ${news.epoch} lies before the reputation's ${before.epoch}.`)
  const passed = news.epoch - before.epoch
  return {
    epoch: news.epoch,
    successes: decay(before.successes, passed) + news.successes * PPM,
    failures: decay(before.failures, passed) + news.failures * PPM,
  }
}

function decay(count: bigint, epochs: bigint): bigint {
  // Flooring brings every count to 0, so that a long absence costs no more than that takes.
  for (; epochs > 0n && count > 0n; epochs--) count = (count * DECAY_PPM) / PPM
  return count
}

/** z of the two-sided 95 % interval, in ppm: 1.959964. */
const Z = 1_959_964n

/** Wilson's lower bound (1927) of the success rate at 95 %, in ppm, floored; 0 without any count.
 *  `(s + z²/2 − z √(s f / n + z²/4)) / (n + z²)`, in integers: counts in ppm of a task, the root rounded up. */
export function wilsonLower({ successes, failures }: Pick<ReputationCounts, 'successes' | 'failures'>): bigint {
  const n = successes + failures
  if (n === 0n) return 0n
  const z2 = Z * Z // 10⁻¹²
  const spread = sqrtUp((z2 * successes * failures * PPM) / n + (z2 * z2) / 4n + 2n) // 10⁻²⁴ under the root, both floors made up
  const lower = successes * PPM + z2 / 2n - spread // at least −1: the division makes 0 of that
  return (lower * PPM) / (n * PPM + z2)
}

/** What is published: the bound in ppm and the tier it reaches (its number and name). */
export function rateReputation(reputation: ReputationCounts): { value: bigint; tier: number; name: Tier } {
  const value = wilsonLower(reputation)
  let tier = 0
  while (tier + 1 < TIERS.length && value >= TIERS[tier + 1]!.needs) tier++
  return { value, tier, name: TIERS[tier]!.name }
}
