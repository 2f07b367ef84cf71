import type { RewardLeaf } from '#rules/merkle.ts'
import type { EpochRewardMap } from '#rules/rewardMap.ts'
import type { MapEntry } from '#schema/rewardMapDocument.ts'

/** Entries of a document's lists as those of the reward map that the rules compute. */

type Line = EpochRewardMap['lines'][number]

/** Leaves of the map of a chain, a distributor and an epoch. */
export const leavesOf = (
  leaves: readonly MapEntry<'leaves'>[],
  { chain, distributor, epoch }: Pick<RewardLeaf, 'chain' | 'distributor' | 'epoch'>,
): RewardLeaf[] =>
  leaves.map(({ account, cumulative }) => ({
    chain,
    distributor,
    epoch,
    account: account as `0x${string}`,
    cumulative: BigInt(cumulative),
  }))

export const carriedOf = (carried: readonly MapEntry<'carried'>[]): EpochRewardMap['carried'] =>
  carried.map((one) => ({ ...one, amount: BigInt(one.amount) }))

export const debtsOf = (debts: readonly MapEntry<'debts'>[]) =>
  debts.map((one) => ({ ...one, amount: BigInt(one.amount) }) as EpochRewardMap['debts'][number])

export const entriesOfLines = (lines: readonly MapEntry<'lines'>[]): Line[] =>
  lines.map(({ account, role, versionId, source, amount, pot, weight, whole }) => ({
    account: account as `0x${string}`,
    role: role as Line['role'],
    versionId,
    source: source as Line['source'],
    amount: BigInt(amount),
    pot: BigInt(pot),
    weight: BigInt(weight),
    whole: BigInt(whole),
  }))
