import { LRUCache } from 'lru-cache'
import { Arg, Ctx, Field, FieldResolver, ID, ObjectType, Query, Resolver, Root } from 'type-graphql'
import type { Hex } from 'viem'
import { leavesOf } from '#epochs/epochMapOf.ts'
import { RewardTree } from '#rules/merkle.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import { getDocument, type RewardMapDocument, rewardMapDocument } from '#schema/documents.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import { AS_OF_ARG, AsOfInput } from '../query/asOfInput.ts'
import { type LoadedRow, ROW_AS_OF } from '../query/page.ts'
import type { Reader } from '../query/reader.ts'
import { Statement } from '../query/statement.ts'
import { requireAddress } from '../requireAddress.ts'

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
    complexity: 20,
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
    complexity: 20,
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
  const { tree, leaves } = await treeOf(context.artifacts, map.uri, map.root)
  const leaf = leaves.get(holder)
  if (!leaf) return null
  return {
    epoch: map.id,
    account: holder,
    cumulative: leaf.cumulative,
    claimed: await claimedBy(context.reader, map, holder),
    root: map.root,
    proof: tree.proof(leaf.index),
  }
}

/** The total that an account has claimed as of the point of `map`, read once for all maps of a list. */
async function claimedBy(reader: Reader, { [ROW_AS_OF]: asOf }: LoadedRow, account: string): Promise<bigint> {
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

interface BuiltTree {
  tree: RewardTree
  /** By account. */
  leaves: Map<string, { index: number; cumulative: bigint }>
}

/** Recently built trees, by root: building one hashes every leaf. */
const trees = new LRUCache<string, Promise<BuiltTree>>({ max: 8 })

function treeOf(artifacts: ArtifactStore, uri: string, root: string): Promise<BuiltTree> {
  const known = trees.get(root)
  if (known) return known
  const built = getDocument(artifacts, rewardMapDocument, uri).then((document) => build(document, root))
  trees.set(root, built)
  built.catch(() => trees.delete(root))
  return built
}

function build(document: RewardMapDocument, root: string): BuiltTree {
  const leaves = leavesOf(document.leaves, {
    chain: BigInt(document.chainId),
    distributor: document.distributor as Hex,
    epoch: BigInt(document.epoch),
  })
  const tree = new RewardTree(leaves)
  if (tree.root !== root)
    throw new ApiError(
      'REWARD_MAP_MISMATCH',
      `The map’s artifact gives the root ${tree.root}, but the root on chain is ${root}. Dispute the reward map.`,
    )
  return { tree, leaves: new Map(leaves.map(({ account, cumulative }, index) => [account, { index, cumulative }])) }
}
