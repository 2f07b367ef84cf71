import { type EpochRewardMap, rewardMapSteps } from '#rules/rewardMap.ts'
import { ArtifactError } from '#schema/artifacts/index.ts'
import type { WholeRewardMap } from '#schema/rewardMapDocument.ts'
import type { SignedUsage } from '#schema/usageDocument.ts'
import { codeHash } from './codeHash.ts'
import { epochFacts } from './epochFacts.ts'
import { type EpochBlocks, type EpochSources, epochBlocks } from './epochSources.ts'
import { inTurns } from './inTurns.ts'
import { type ArtifactReader, readerWithout } from './readArtifacts.ts'

/** `usage`: the usage documents to use, in order. `absent`: the names of artifacts that the chain names and nobody could fetch. */
export interface EpochRequest {
  epoch: number
  usage: readonly SignedUsage[]
  absent: readonly string[]
}

/** An epoch's reward map, with what its document says of the chain. */
export interface ComputedEpoch extends EpochBlocks {
  map: EpochRewardMap
  chainId: number
  distributor: string
  blockHash: string
}

/** The document of an epoch's reward map. @throws as computeMap */
export async function computeEpoch(
  sources: EpochSources,
  request: EpochRequest,
  readAbsent?: ArtifactReader,
): Promise<WholeRewardMap> {
  const computed = await computeMap(sources, request, readAbsent)
  const absent = [...new Set(request.absent)].sort()
  return documentOf(computed, { usage: [...request.usage], absent, codeHash: await codeHash() })
}

/** Computes the reward map of an epoch only from the chain as of the epoch's last block and from artifacts that the chain, or the map itself,
 *  names. Anyone with their own index computes the same bytes. No state of the chain and no content of an artifact makes it fail.
 *  @param readAbsent how one of the `absent` artifacts is read where it is needed; usage documents among them never are: their publisher had the choice to use them
 *  @throws RangeError when the epoch does not exist or the one before has no map; IndexBehindError while its last block is not indexed;
 *  ArtifactError when an artifact that it needs cannot be read, unless it is one of `absent`; what the store throws when it is away. */
export async function computeMap(
  sources: EpochSources,
  { epoch, usage, absent }: EpochRequest,
  readAbsent: ArtifactReader = async () => undefined,
): Promise<ComputedEpoch> {
  const blocks = await epochBlocks(sources, epoch)
  const read = readerWithout(sources.artifacts, new Set(absent), readAbsent)
  const readUsage = readerWithout(sources.artifacts, new Set(absent))
  const map = await inTurns(rewardMapSteps(await epochFacts(sources, blocks, usage, read, readUsage)))
  const { chainId, addresses } = sources.deployment
  const distributor = addresses.RewardDistributor.toLowerCase()
  return { ...blocks, map, chainId, distributor, blockHash: await sources.blockHash(blocks.toBlock) }
}

/** The artifacts that the chain names, that the map of an epoch needs, and that the store says are not there, or has with other bytes: its version's
 *  manifests, and of the maps before the document or the first page. Sorted. @throws as computeEpoch, but no ArtifactError */
export async function missingManifests(sources: EpochSources, epoch: number): Promise<string[]> {
  const missing = new Set<string>()
  await epochFacts(sources, await epochBlocks(sources, epoch), [], async (name, maxBytes) => {
    try {
      return await sources.artifacts.get(name, { maxBytes })
    } catch (error) {
      if (!(error instanceof ArtifactError) || error.code === 'tooLarge') throw error
      missing.add(name)
      return undefined
    }
  })
  return [...missing].sort()
}

function documentOf(
  { map: { root, total, leaves, carried, debts, lines }, ...chain }: ComputedEpoch,
  names: Pick<WholeRewardMap, 'usage' | 'absent' | 'codeHash'>,
): WholeRewardMap {
  return {
    ...chain,
    root,
    total: total.toString(),
    leaves: leaves.map(({ account, cumulative }) => ({ account, cumulative: cumulative.toString() })),
    carried: carried.map((one) => ({ ...one, amount: one.amount.toString() })),
    debts: debts.map((one) => ({ ...one, amount: one.amount.toString() })),
    lines: lines.map((one) => ({
      ...one,
      amount: one.amount.toString(),
      pot: one.pot.toString(),
      weight: one.weight.toString(),
      whole: one.whole.toString(),
    })),
    ...names,
  }
}

/** The arguments of `RewardDistributor.publish` for a map whose document is stored as `uri`. */
export const publishArguments = (map: WholeRewardMap, uri: string) =>
  [
    BigInt(map.epoch),
    map.blockHash as `0x${string}`,
    map.root as `0x${string}`,
    BigInt(map.total),
    uri,
    map.codeHash as `0x${string}`,
  ] as const
