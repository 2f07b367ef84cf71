import type { EpochRewardMap } from '#rules/rewardMap.ts'
import type { RewardMapDocument } from '#schema/documents.ts'

/** A document as the reward map that the rules compute. */
export const epochMapOf = (document: RewardMapDocument): EpochRewardMap => ({
  root: document.root as `0x${string}`,
  total: BigInt(document.total),
  treasury: 0n,
  leaves: document.leaves.map(({ account, cumulative }) => ({
    chain: BigInt(document.chainId),
    distributor: document.distributor as `0x${string}`,
    epoch: BigInt(document.epoch),
    account: account as `0x${string}`,
    cumulative: BigInt(cumulative),
  })),
  carried: document.carried.map((one) => ({ ...one, amount: BigInt(one.amount) })),
  debts: document.debts.map((one) => ({ ...one, amount: BigInt(one.amount) }) as EpochRewardMap['debts'][number]),
  lines: document.lines.map(
    (one) =>
      ({
        ...one,
        amount: BigInt(one.amount),
        pot: BigInt(one.pot),
        weight: BigInt(one.weight),
        whole: BigInt(one.whole),
      }) as EpochRewardMap['lines'][number],
  ),
})
