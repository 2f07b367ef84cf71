import type { Removal } from '#rules/counterfactual.ts'
import type { EpochFacts } from '#rules/epochFacts.ts'
import { getDocument } from '#schema/documents.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { type RewardMapDocument, rewardMapDocument } from '#schema/rewardMapDocument.ts'
import { rowOf } from '#schema/rows.ts'
import { epochFacts } from './epochFacts.ts'
import { type EpochBlocks, epochBlocks, type FactSources, UnpublishedEpochError } from './epochSources.ts'
import { artifactNamed, readerWithout } from './readArtifacts.ts'

/** The document of a published map. @throws UnpublishedEpochError; ArtifactError when it cannot be read, or is no reward map */
export async function mapDocument(
  { sql, artifacts }: Pick<FactSources, 'sql' | 'artifacts'>,
  epoch: number,
): Promise<RewardMapDocument> {
  const row = await rowOf(sql, RewardMap, String(epoch))
  const name = row?.status === 'Published' ? artifactNamed(row.uri) : undefined
  if (name === undefined)
    throw new UnpublishedEpochError(
      `Epoch ${epoch} has no published reward map with a document. Choose a published epoch.`,
    )
  return getDocument(artifacts, rewardMapDocument, name)
}

/** The facts of which a published map says that it was computed from them, and the duplicate that `removal` names, which earns nothing in them.
 *  @throws as mapDocument, and as computeEpoch */
export async function publishedFacts(sources: FactSources, epoch: number, removal: Removal): Promise<EpochFacts> {
  const { usage, absent } = await mapDocument(sources, epoch)
  const read = readerWithout(sources.artifacts, new Set(absent))
  const blocks = await epochBlocks(sources, epoch)
  const facts = await epochFacts(sources, blocks, usage, read)
  return removal.kind === 'duplicate' ? withRefused(sources, facts, blocks, removal.duplicate) : facts
}

/** A refused contribution is no fact of the rewards: it is added as one that is excluded. */
async function withRefused(
  { sql }: FactSources,
  facts: EpochFacts,
  { toBlock }: EpochBlocks,
  contributionId: string,
): Promise<EpochFacts> {
  const refused = await rowOf(sql, Contribution, contributionId, toBlock)
  if (!refused || facts.contributions.some((one) => one.contributionId === contributionId)) return facts
  const contributor = refused.contributor as `0x${string}`
  return {
    ...facts,
    contributions: [...facts.contributions, { contributionId, contributor }],
    excluded: [...facts.excluded, { contributionId, fromEpoch: facts.epoch, reason: 'refused' }],
  }
}
