import type { RewardLeaf } from '#rules/merkle.ts'
import type { EpochRewardMap } from '#rules/rewardMap.ts'
import type { RewardMapDocument } from '#schema/documents.ts'

type Entry = EpochRewardMap['lines'][number]

/** A document as the reward map that the rules compute. */
export const epochMapOf = (document: RewardMapDocument): EpochRewardMap => ({
  root: document.root as `0x${string}`,
  total: BigInt(document.total),
  treasury: 0n,
  leaves: leavesOf(document.leaves, {
    chain: BigInt(document.chainId),
    distributor: document.distributor as `0x${string}`,
    epoch: BigInt(document.epoch),
  }),
  ...carriedOf(document),
  lines: document.lines.map(({ account, role, versionId, source, amount, pot, weight, whole }) => ({
    account: account as `0x${string}`,
    role: role as Entry['role'],
    versionId,
    source: source as Entry['source'],
    amount: BigInt(amount),
    pot: BigInt(pot),
    weight: BigInt(weight),
    whole: BigInt(whole),
  })),
})

/** The leaves of a document under the map of a chain, a distributor and an epoch. */
export const leavesOf = (
  leaves: RewardMapDocument['leaves'],
  { chain, distributor, epoch }: Pick<RewardLeaf, 'chain' | 'distributor' | 'epoch'>,
): RewardLeaf[] =>
  leaves.map(({ account, cumulative }) => ({
    chain,
    distributor,
    epoch,
    account: account as `0x${string}`,
    cumulative: BigInt(cumulative),
  }))

/** What a document carries to the next epoch. */
export const carriedOf = ({
  carried,
  debts,
}: Pick<RewardMapDocument, 'carried' | 'debts'>): Pick<EpochRewardMap, 'carried' | 'debts'> => ({
  carried: carried.map((one) => ({ ...one, amount: BigInt(one.amount) })),
  debts: debts.map((one) => ({ ...one, amount: BigInt(one.amount) }) as EpochRewardMap['debts'][number]),
})
