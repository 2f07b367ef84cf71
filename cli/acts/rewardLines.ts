import { inGOpen } from '#client/amounts.ts'
import type { RewardWhy } from '#client/index.ts'
import { roleReason } from '#client/rewardRoles.ts'

type Reason = RewardWhy['reasons'][number]

/** The reward of an account in an epoch: all of it, then by kind of reason, the largest first. `all`: also each amount with its formula. */
export function rewardLines(account: string, why: RewardWhy | null, { all = false } = {}): string[] {
  if (!why) return [`${account} got nothing in this epoch and those before.`]
  const groups = [...new Set(why.reasons.map(groupOf))]
  const sums = groups.map((group) => {
    const reasons = why.reasons.filter((reason) => groupOf(reason) === group)
    return { group, reasons, sum: reasons.reduce((sum, { amount }) => sum + BigInt(amount), 0n) }
  })
  sums.sort((a, b) => (a.sum < b.sum ? 1 : a.sum > b.sum ? -1 : 0))
  return [
    `Epoch ${why.epoch} gave ${account} ${inGOpen(why.earned)}; with all epochs before, ${inGOpen(why.cumulative)}, claimed or not.`,
    ...sums.flatMap(({ group, reasons, sum }) => [
      `  ${inGOpen(sum)}\t${group}: ${countOf(reasons)}`,
      ...(all ? reasons.map((reason) => `    ${formulaLine(reason)}`) : []),
    ]),
    ...(all || sums.length === 0 ? [] : ['--all shows each amount with its formula.']),
  ]
}

const ofVersion = (versionId: string | null) => (versionId === null ? '' : `, version ${versionId}`)

const groupOf = ({ role, kind, versionId }: Reason): string =>
  `${role}, for ${roleReason(role) || kind}${ofVersion(versionId)}`

const countOf = (reasons: readonly Reason[]) => `${reasons.length} ${reasons.length === 1 ? 'amount' : 'amounts'}`

/** An amount, what earned it, and how it is computed. */
export const formulaLine = ({ role, versionId, kind, sourceId, amount, pot, weight, whole }: Reason): string =>
  `${inGOpen(amount)}\t${role} by ${kind} ${sourceId}${ofVersion(versionId)}\t⌊${pot} × ${weight} / ${whole}⌋ wei`
