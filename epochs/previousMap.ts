import type { EpochFacts } from '#rules/epochFacts.ts'
import { RewardTree } from '#rules/merkle.ts'
import type { EpochRewardMap } from '#rules/rewardMap.ts'
import type { Sql } from '#schema/database.ts'
import { parseDocument } from '#schema/documents.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { type MapEntry, type RewardMapDocument, rewardMapDocument } from '#schema/rewardMapDocument.ts'
import { rowOf } from '#schema/rows.ts'
import { carriedOf, debtsOf, leavesOf } from './epochMapOf.ts'
import type { FactSources } from './epochSources.ts'
import { listParts, PageError } from './mapPages.ts'
import { type ArtifactReader, artifactNamed, readDocument } from './readArtifacts.ts'

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

type State = Pick<EpochRewardMap, 'leaves' | 'carried' | 'debts'>

/** The published map of an epoch, as its document says. */
export interface PublishedMap extends State {
  /** Its lines, part after part. @throws PageError at the first page that is none */
  lines(): AsyncIterable<MapEntry<'lines'>[]>
}

/** The published map of an epoch; undefined when its document or a page is absent, or cannot be of the map on the chain.
 *  @throws RangeError when the epoch has no map. */
export async function publishedMap(
  sources: FactSources,
  epoch: number,
  read: ArtifactReader,
): Promise<PublishedMap | undefined> {
  const { sql, deployment } = sources
  const row = await rowOf(sql, RewardMap, String(epoch))
  if (row?.status !== 'Published') throw new RangeError(`Epoch ${epoch} is not published: epochs are settled in order.`)
  const document = await publishedDocument(row.uri, read)
  if (!document || BigInt(document.total) !== row.total) return undefined
  const state = await statedBy(document, sources, epoch, read).catch((error): undefined => {
    if (!(error instanceof PageError)) throw error
  })
  if (!state || new RewardTree(state.leaves).root !== row.root) return undefined
  return { ...state, lines: () => listParts(document, 'lines', read, deployment.pageEntries) }
}

/** The document that a published map names; undefined when it names none, or not a reward map. */
async function publishedDocument(uri: string | null, read: ArtifactReader): Promise<RewardMapDocument | undefined> {
  const name = artifactNamed(uri)
  const bytes = name === undefined ? undefined : await readDocument(read, name)
  const parsed = bytes && parseDocument(rewardMapDocument, bytes)
  return parsed?.success ? parsed.data : undefined
}

/** The state in a document. What its pots and leaves hold is what the chain has received and made payable, and each account is there once and in
 *  order: the first page with which that is impossible is the last that is read.
 *  @throws PageError; ArtifactError for a page that cannot be read */
async function statedBy(
  document: RewardMapDocument,
  { sql, deployment: { chainId, addresses, pageEntries } }: FactSources,
  epoch: number,
  read: ArtifactReader,
): Promise<State | undefined> {
  const { payable, fees } = await receivedUntil(sql, epoch)
  const state: State = { leaves: [], carried: [], debts: [] }
  let left = fees - payable
  for await (const part of listParts(document, 'carried', read, pageEntries))
    for (const one of carriedOf(part)) {
      left -= one.amount
      state.carried.push(one)
    }
  if (left !== 0n) return undefined
  for await (const part of listParts(document, 'debts', read, pageEntries))
    for (const one of debtsOf(part)) state.debts.push(one)
  left = payable
  let last = ''
  const chain = BigInt(chainId)
  const distributor = addresses.RewardDistributor.toLowerCase() as `0x${string}`
  for await (const part of listParts(document, 'leaves', read, pageEntries))
    for (const leaf of leavesOf(part, { chain, distributor, epoch: BigInt(epoch) })) {
      left -= leaf.cumulative
      if (left < 0n || leaf.account <= last) return undefined
      last = leaf.account
      state.leaves.push(leaf)
    }
  return left === 0n ? state : undefined
}

/** What the epochs up to this one have received, and made payable. */
async function receivedUntil(sql: Sql, epoch: number): Promise<{ payable: bigint; fees: bigint }> {
  const { rows } = await sql.query<{ payable: bigint; fees: bigint }>(
    `select (select coalesce(sum(total), 0) from reward_map where epoch <= $1 and status = 'Published' and to_block is null) as payable,
            (select coalesce(sum(amount), 0) from redemption where epoch <= $1 and to_block is null) as fees`,
    [epoch],
  )
  return rows[0] ?? { payable: 0n, fees: 0n }
}

/** No amount falls below the leaf of the map before, by which the account can claim as soon as that map is final. */
const stateOf = ({ leaves, carried, debts }: State): Before => ({
  accounts: leaves.map(({ account, cumulative }) => ({ account, cumulative, claimed: cumulative })),
  carried,
  debts,
})
