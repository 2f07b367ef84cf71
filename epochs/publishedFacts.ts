import type { EpochFacts } from '#rules/epochFacts.ts'
import { getDocument, type RewardMapDocument, rewardMapDocument } from '#schema/documents.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowOf } from '#schema/rows.ts'
import { epochFacts } from './epochFacts.ts'
import { epochBlocks, type FactSources, UnpublishedEpochError } from './epochSources.ts'
import { artifactNamed, readerWithout } from './previousMap.ts'

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

/** The facts of which a published map says that it was computed from them. @throws as mapDocument, and as computeEpoch */
export async function publishedFacts(sources: FactSources, epoch: number): Promise<EpochFacts> {
  const { usage, absent } = await mapDocument(sources, epoch)
  const read = readerWithout(sources.artifacts, new Set(absent))
  return epochFacts(sources, await epochBlocks(sources, epoch), usage, read)
}
