import { inGOpen } from '#client/amounts.ts'
import type { RewardWhy } from '#client/index.ts'

/** The reasons for an account's reward, a line for each amount. */
export function rewardLines(account: string, why: RewardWhy | null): string[] {
  if (!why) return [`${account} got nothing in this epoch and those before.`]
  return [
    ...why.reasons.map(
      ({ role, versionId, kind, sourceId, amount, pot, weight, whole }) =>
        `${inGOpen(amount)}\t${role} by ${kind} ${sourceId}${versionId === null ? '' : `, version ${versionId}`}\t⌊${pot} × ${weight} / ${whole}⌋ wei`,
    ),
    `Epoch ${why.epoch} gave ${account} ${inGOpen(why.earned)}; from all epochs it may claim ${inGOpen(why.cumulative)}.`,
  ]
}
