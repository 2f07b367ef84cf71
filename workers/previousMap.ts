import type { CarriedPot, EpochFacts } from '#rules/epochFacts.ts'
import { RewardTree } from '#rules/merkle.ts'
import type { EpochRewardMap } from '#rules/rewardMap.ts'
import { parseDocument, type RewardMapDocument, rewardMapDocument } from '#schema/documents.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowOf } from '#schema/rows.ts'
import type { EpochSources } from './epochSources.ts'

/** The bytes of an artifact; undefined for one that counts as absent. */
export type ArtifactReader = (name: string) => Promise<Uint8Array | undefined>

type Before = EpochFacts['before']

/** The state that an epoch starts from: that of the map of the epoch before, as its document says. When the document is absent or cannot be
 *  the map on the chain, the state is what `recompute` computes for that epoch.
 *  @throws RangeError when the epoch before has no map. */
export async function stateBefore(
  sources: EpochSources,
  epoch: number,
  read: ArtifactReader,
  recompute: () => Promise<EpochRewardMap>,
): Promise<Before> {
  if (epoch === 1) return { accounts: [], carried: [], debts: [] }
  const row = await rowOf(sources.sql, RewardMap, String(epoch - 1))
  if (row?.status !== 'Published')
    throw new RangeError(`Epoch ${epoch - 1} is not published: epochs are settled in order.`)
  const document = await publishedDocument(row.uri ?? '', read)
  return document && (await describes(document, row, sources)) ? stateOf(document) : stateOfMap(await recompute())
}

/** The document that a published map names; undefined when it names none, or not a reward map. */
async function publishedDocument(uri: string, read: ArtifactReader): Promise<RewardMapDocument | undefined> {
  if (!/^0x[0-9a-f]{64}$/.test(uri)) return undefined
  const bytes = await read(uri)
  const parsed = bytes && parseDocument(rewardMapDocument, bytes)
  return parsed?.success ? parsed.data : undefined
}

/** Whether a document can be the map on the chain: its leaves, each account once and in order, have the root there, and what they and the pots
 *  hold is what the chain has received and made payable. */
async function describes(
  { leaves, carried, ...document }: RewardMapDocument,
  { epoch, root, total }: RewardMap,
  { sql, deployment }: EpochSources,
): Promise<boolean> {
  const distributor = deployment.addresses.RewardDistributor.toLowerCase() as `0x${string}`
  const { rows } = await sql.query<{ payable: bigint; fees: bigint }>(
    `select (select coalesce(sum(total), 0) from reward_map where epoch <= $1 and status = 'Published' and to_block is null) as payable,
            (select coalesce(sum(amount), 0) from redemption where epoch <= $1 and to_block is null) as fees`,
    [epoch],
  )
  const { payable, fees } = rows[0] ?? { payable: 0n, fees: 0n }
  const sum = (all: readonly bigint[]) => all.reduce((total, one) => total + one, 0n)
  const amounts = leaves.map((leaf) => BigInt(leaf.cumulative))
  if (document.epoch !== epoch || document.root !== root || document.total !== total.toString()) return false
  if (leaves.some(({ account }, i) => account <= (leaves[i - 1]?.account ?? ''))) return false
  if (sum(amounts) !== payable || sum(carried.map((one) => BigInt(one.amount))) !== fees - payable) return false
  const facts = { chain: BigInt(deployment.chainId), distributor, epoch: BigInt(epoch) }
  const tree = new RewardTree(
    leaves.map(({ account }, i) => ({ ...facts, account: account as `0x${string}`, cumulative: amounts[i] ?? 0n })),
  )
  return tree.root === root
}

/** Nobody can claim less than a leaf of the map before: it may become final yet. */
const stateOf = ({ leaves, carried, debts }: RewardMapDocument): Before => ({
  accounts: leaves.map(({ account, cumulative }) => ({
    account: account as `0x${string}`,
    cumulative: BigInt(cumulative),
    claimed: BigInt(cumulative),
  })),
  carried: carried.map((one) => ({ ...one, amount: BigInt(one.amount) }) as CarriedPot),
  debts: debts.map((one) => ({
    ...one,
    account: one.account as `0x${string}`,
    to: one.to as `0x${string}` | null,
    amount: BigInt(one.amount),
  })),
})

const stateOfMap = ({ leaves, carried, debts }: EpochRewardMap): Before => ({
  accounts: leaves.map(({ account, cumulative }) => ({ account, cumulative, claimed: cumulative })),
  carried,
  debts,
})
