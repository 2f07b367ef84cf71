import type { EpochFacts } from '#rules/epochFacts.ts'
import { RewardTree } from '#rules/merkle.ts'
import type { EpochRewardMap } from '#rules/rewardMap.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import type { Sql } from '#schema/database.ts'
import { MAX_DOCUMENT_BYTES, parseDocument, type RewardMapDocument, rewardMapDocument } from '#schema/documents.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowOf } from '#schema/rows.ts'
import { carriedOf, leavesOf } from './epochMapOf.ts'
import type { FactSources } from './epochSources.ts'

/** The bytes of an artifact; undefined for one that counts as absent. @throws ArtifactError for one with more than `maxBytes` */
export type ArtifactReader = (name: string, maxBytes?: number) => Promise<Uint8Array | undefined>

/** Reads artifacts; those of `absent` by `readAbsent`, which finds none by default. */
export const readerWithout =
  (
    artifacts: FactSources['artifacts'],
    absent: ReadonlySet<string>,
    readAbsent: ArtifactReader = async () => undefined,
  ): ArtifactReader =>
  (name, maxBytes) =>
    absent.has(name) ? readAbsent(name, maxBytes) : artifacts.get(name, { maxBytes })

/** Reads artifacts; one that is not there, or has other bytes, counts as absent. */
export const readIfThere =
  (artifacts: FactSources['artifacts']): ArtifactReader =>
  async (name, maxBytes) => {
    try {
      return await artifacts.get(name, { maxBytes })
    } catch (error) {
      if (error instanceof ArtifactError) return undefined
      throw error
    }
  }

/** Reads what the chain or a map names as a document; one that is too large for a document states nothing. */
export const readDocument = (read: ArtifactReader, name: string, maxBytes = MAX_DOCUMENT_BYTES) =>
  read(name, maxBytes).catch((error): undefined => {
    if (!(error instanceof ArtifactError && error.code === 'tooLarge')) throw error
  })

type Before = EpochFacts['before']

/** The state that an epoch starts from: that of the map of the epoch before, as its document says. When the document is absent or cannot be
 *  the map on the chain, the state is what `recompute` computes for that epoch.
 *  @throws RangeError when the epoch before has no map. */
export async function stateBefore(
  sources: FactSources,
  epoch: number,
  read: ArtifactReader,
  recompute: () => Promise<EpochRewardMap>,
): Promise<Before> {
  if (epoch === 1) return { accounts: [], carried: [], debts: [] }
  return stateOf((await publishedMap(sources, epoch - 1, read)) ?? (await recompute()))
}

/** The published map of an epoch, as its document says. */
export interface PublishedMap extends Pick<EpochRewardMap, 'leaves' | 'carried' | 'debts'> {
  lines: RewardMapDocument['lines']
}

/** The published map of an epoch; undefined when its document is absent or cannot be the map on the chain.
 *  @throws RangeError when the epoch has no map. */
export async function publishedMap(
  { sql, deployment }: FactSources,
  epoch: number,
  read: ArtifactReader,
): Promise<PublishedMap | undefined> {
  const row = await rowOf(sql, RewardMap, String(epoch))
  if (row?.status !== 'Published') throw new RangeError(`Epoch ${epoch} is not published: epochs are settled in order.`)
  const document = await publishedDocument(row.uri, read)
  if (!document) return undefined
  const leaves = leavesOf(document.leaves, {
    chain: BigInt(deployment.chainId),
    distributor: deployment.addresses.RewardDistributor.toLowerCase() as `0x${string}`,
    epoch: BigInt(epoch),
  })
  const map = { leaves, ...carriedOf(document), lines: document.lines }
  return BigInt(document.total) === row.total && (await describes(map, row, sql)) ? map : undefined
}

/** The artifact that a published map names as its document; undefined when it names none. */
export const artifactNamed = (uri: string | null): string | undefined =>
  uri !== null && /^0x[0-9a-f]{64}$/.test(uri) ? uri : undefined

/** The document that a published map names; undefined when it names none, or not a reward map. */
async function publishedDocument(uri: string | null, read: ArtifactReader): Promise<RewardMapDocument | undefined> {
  const name = artifactNamed(uri)
  const bytes = name === undefined ? undefined : await readDocument(read, name)
  const parsed = bytes && parseDocument(rewardMapDocument, bytes)
  return parsed?.success ? parsed.data : undefined
}

/** Whether this can be the map on the chain: its leaves, each account once and in order, have the root there, and what they and the pots
 *  hold is what the chain has received and made payable. */
async function describes({ leaves, carried }: PublishedMap, { epoch, root }: RewardMap, sql: Sql): Promise<boolean> {
  const { rows } = await sql.query<{ payable: bigint; fees: bigint }>(
    `select (select coalesce(sum(total), 0) from reward_map where epoch <= $1 and status = 'Published' and to_block is null) as payable,
            (select coalesce(sum(amount), 0) from redemption where epoch <= $1 and to_block is null) as fees`,
    [epoch],
  )
  const { payable, fees } = rows[0] ?? { payable: 0n, fees: 0n }
  if (sum(leaves.map((leaf) => leaf.cumulative)) !== payable) return false
  if (sum(carried.map((one) => one.amount)) !== fees - payable) return false
  if (leaves.some(({ account }, i) => account <= (leaves[i - 1]?.account ?? ''))) return false
  return new RewardTree(leaves).root === root
}

const sum = (amounts: readonly bigint[]) => amounts.reduce((total, one) => total + one, 0n)

/** No amount falls below the leaf of the map before, by which the account can claim as soon as that map is final. */
const stateOf = ({ leaves, carried, debts }: Pick<EpochRewardMap, 'leaves' | 'carried' | 'debts'>): Before => ({
  accounts: leaves.map(({ account, cumulative }) => ({ account, cumulative, claimed: cumulative })),
  carried,
  debts,
})
