import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import { Arg, Ctx, Field, FieldResolver, ID, ObjectType, Query, Resolver, Root } from 'type-graphql'
import type { Hex } from 'viem'
import { leavesOf } from '#epochs/epochMapOf.ts'
import { listParts } from '#epochs/mapPages.ts'
import { readerOf } from '#epochs/readArtifacts.ts'
import { type RewardLeaf, RewardTree } from '#rules/merkle.ts'
import { ascending } from '#rules/order.ts'
import { getDocument } from '#schema/documents.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { rewardMapDocument } from '#schema/rewardMapDocument.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import type { AsOf } from '../query/asOf.ts'
import { AS_OF_ARG, AsOfInput } from '../query/asOfInput.ts'
import { type LoadedRow, ROW_AS_OF } from '../query/page.ts'
import type { Reader } from '../query/reader.ts'
import { Statement } from '../query/statement.ts'
import { requireAddress } from '../requireAddress.ts'

/** A proof may need the tree of a whole map. */
const PROOF_COST = 500

@ObjectType({
  description: 'The arguments with which an account claims: pass them to `RewardDistributor.claim`.',
  simpleResolvers: true,
})
export class RewardProof {
  @Field(() => ID, { description: 'By the reward map of which epoch it is proven.' }) epoch!: string
  @Field(() => String, { description: 'The account that is paid.' }) account!: string
  @Field(() => BigIntScalar, { description: 'The total that the account may claim up to this epoch, in wei.' })
  cumulative!: bigint
  @Field(() => BigIntScalar, { description: 'The total that it has claimed so far, from all epochs.' }) claimed!: bigint
  @Field(() => String, { description: 'The root of the epoch’s map.' }) root!: string
  @Field(() => [String], { description: 'The sibling hashes from the leaf to the root.' }) proof!: string[]
}

@Resolver(() => RewardMap)
export class RewardProofResolver {
  @FieldResolver(() => RewardProof, {
    nullable: true,
    description:
      'The proof with which an account claims; null when the map is not published or pays the account nothing.',
    complexity: PROOF_COST,
  })
  proof(
    @Root() map: LoadedRow & RewardMap,
    @Arg('account', () => String, { description: 'The account that claims.' }) account: string,
    @Ctx() context: ApiContext,
  ) {
    return proofOf(context, map, account)
  }

  @Query(() => RewardProof, {
    nullable: true,
    description:
      'The proof with which an account claims from an epoch’s map; null when the map is not published or pays the account nothing.',
    complexity: PROOF_COST,
  })
  async rewardProof(
    @Arg('account', () => String, { description: 'The account that claims.' }) account: string,
    @Arg('epoch', () => ID, { description: 'The number of an epoch whose map is published.' }) epoch: string,
    @Arg('asOf', () => AsOfInput, AS_OF_ARG) asOfInput: AsOfInput | undefined,
    @Ctx() context: ApiContext,
  ) {
    const table = tableFor(RewardMap)
    const map = await context.reader.one(
      'rewardProof',
      table,
      await context.reader.asOf(asOfInput),
      table.columns,
      epoch,
    )
    if (!map)
      throw new ApiError(
        'UNKNOWN_REWARD_MAP',
        `There is no reward map of epoch ${epoch.slice(0, 80)}. Query \`rewardMaps\`.`,
      )
    return proofOf(context, map as LoadedRow & RewardMap, account)
  }
}

async function proofOf(context: ApiContext, map: LoadedRow & RewardMap, account: string): Promise<RewardProof | null> {
  const holder = requireAddress('account', account) as Hex
  if (map.status !== 'Published' || !map.uri || !map.root) return null
  const tree = await treeOf(context, map.uri, map.root)
  const place = placeOf(tree.leaves, holder)
  const leaf = place === undefined ? undefined : tree.leaves[place]
  if (place === undefined || !leaf) return null
  return {
    epoch: map.id,
    account: holder,
    cumulative: leaf.cumulative,
    claimed: await claimedBy(context.reader, map[ROW_AS_OF], holder),
    root: map.root,
    proof: tree.proof(place),
  }
}

/** The total that an account has claimed, read once for all rows of a list. */
export async function claimedBy(reader: Reader, asOf: AsOf, account: string): Promise<bigint> {
  const loader = reader.batched<bigint>(`rewardClaims@${asOf.block}`, async (accounts) => {
    const statement = new Statement(asOf)
    const { rows } = await reader.sql.query(
      `select account, sum(amount) as claimed from reward_claim t
       where account = any(${statement.bind(accounts, 'text[]')}) and ${statement.visibleAt(tableFor(RewardClaim), 't')} group by account`,
      statement.values,
    )
    return new Map(rows.map((row) => [row.account, row.claimed]))
  })
  return (await loader.load(account)) ?? 0n
}

/** One tree after the other: while it is built, one of a million accounts takes a second and several hundred megabytes. */
const buildInTurn = pLimit(1)

/** Leaves of the trees that are kept: each takes some 300 bytes. */
const KEPT_LEAVES = 4_000_000

/** Recently built trees, by root: building one hashes every leaf. One that is larger is kept alone. */
const trees = new LRUCache<string, Promise<RewardTree>>({ max: 8, maxSize: KEPT_LEAVES })

function treeOf(context: ApiContext, uri: string, root: string): Promise<RewardTree> {
  const known = trees.get(root)
  if (known) return known
  const built = buildInTurn(() => build(context, uri, root))
  trees.set(root, built, { size: 1 })
  built.then(
    ({ leaves }) => trees.set(root, built, { size: Math.min(Math.max(leaves.length, 1), KEPT_LEAVES) }),
    () => trees.delete(root),
  )
  return built
}

async function build({ artifacts, deployment }: ApiContext, uri: string, root: string): Promise<RewardTree> {
  const document = await getDocument(artifacts, rewardMapDocument, uri)
  const of = {
    chain: BigInt(document.chainId),
    distributor: document.distributor as Hex,
    epoch: BigInt(document.epoch),
  }
  const leaves: RewardLeaf[] = []
  for await (const part of listParts(document, 'leaves', readerOf(artifacts), deployment.pageEntries))
    for (const leaf of leavesOf(part, of)) leaves.push(leaf)
  const tree = new RewardTree(leaves.sort((a, b) => ascending(a.account, b.account)))
  if (tree.root !== root)
    throw new ApiError(
      'REWARD_MAP_MISMATCH',
      `The map’s artifact gives the root ${tree.root}, but the root on chain is ${root}. Dispute the reward map.`,
    )
  return tree
}

/** The place of an account among leaves in the order of their accounts; undefined when it has none. */
function placeOf(leaves: readonly RewardLeaf[], account: string): number | undefined {
  let [low, high] = [0, leaves.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((leaves[middle]?.account ?? '') < account) low = middle + 1
    else high = middle
  }
  return leaves[low]?.account === account ? low : undefined
}
