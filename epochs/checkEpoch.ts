import type { Difference } from '#rules/verification.ts'
import { type ArtifactStore, ArtifactStoreError } from '#schema/artifacts/index.ts'
import { parseDocument } from '#schema/documents.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rewardMapDocument } from '#schema/rewardMapDocument.ts'
import { rowOf } from '#schema/rows.ts'
import { differenceOf, type KeepPage } from './compareMap.ts'
import { computeMap } from './epoch.ts'
import { type EpochSources, UnpublishedEpochError } from './epochSources.ts'
import { type ArtifactReader, artifactNamed, readDocument, readerOf, readIfThere } from './readArtifacts.ts'

/** What a published map says, and what follows from the chain and the artifacts. */
export interface EpochCheck {
  epoch: number
  /** The root on the chain. */
  root: string
  recomputedRoot: string
  /** The first difference; null for a map that is right. */
  difference: Difference | null
  /** What the map lists as absent, what was needed, and what could not be read: with it, the map may have no difference. */
  hidden: string[]
}

/** Computes a published map again, from the usage documents that its document names. It is right when the document and the chain say the same as
 *  the recomputation. An artifact that the document lists as absent counts as absent only if it is needed and cannot be read now; a usage document that it lists
 *  counts as absent in any case.
 *  @param keep is given the pages of the map as they were computed, where the document names the same: so they need not be fetched
 *  @throws UnpublishedEpochError; ArtifactError when an artifact that is needed cannot be read: nothing can be said then */
export async function checkEpoch(sources: EpochSources, epoch: number, keep?: KeepPage): Promise<EpochCheck> {
  const row = await rowOf(sources.sql, RewardMap, String(epoch))
  if (row?.status !== 'Published' || !row.root)
    throw new UnpublishedEpochError(
      `Epoch ${epoch} has no published reward map on this chain. Choose a published epoch, or correct RPC_URL and DEPLOYMENT.`,
    )
  const { document, problem } = await readMap(sources, row)
  const { usage, absent } = document ?? { usage: [], absent: [] }
  const hidden = new Set<string>()
  const readListed: ArtifactReader = async (name, maxBytes) => {
    const bytes = await readIfThere(sources.artifacts)(name, maxBytes)
    if (!bytes) hidden.add(name)
    return bytes
  }
  const recomputed = await computeMap(sources, { epoch, usage, absent }, readListed)
  return {
    epoch,
    root: row.root,
    recomputedRoot: recomputed.map.root,
    hidden: [...hidden],
    difference: document
      ? await differenceOf({ row, document, recomputed }, sources, keep)
      : { place: 'the document of the map', published: problem, recomputed: 'a reward map' },
  }
}

/** Keeps pages that a store lacks: whoever has checked a map has them, whoever published it. What a store cannot take now changes no verdict. */
export const keepIn =
  (store: Pick<ArtifactStore, 'has' | 'put'>): KeepPage =>
  async (name, bytes) => {
    try {
      if (!(await store.has(name))) await store.put(bytes)
    } catch (error) {
      if (!(error instanceof ArtifactStoreError)) throw error
    }
  }

async function readMap({ artifacts }: EpochSources, { uri }: RewardMap) {
  const name = artifactNamed(uri)
  if (name === undefined) return { problem: `no artifact (${uri?.slice(0, 80)})` }
  const bytes = await readDocument(readerOf(artifacts), name)
  if (!bytes) return { problem: `artifact ${name}, which is too large for a document` }
  const parsed = parseDocument(rewardMapDocument, bytes)
  return parsed.success
    ? { document: parsed.data, problem: '' }
    : { problem: `artifact ${name}, which ${parsed.problem}` }
}
