import { type Difference, firstDifference } from '#rules/verification.ts'
import { parseDocument, type RewardMapDocument, rewardMapDocument } from '#schema/documents.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowOf } from '#schema/rows.ts'
import { type ComputedEpoch, computeMap } from './epoch.ts'
import { epochMapOf } from './epochMapOf.ts'
import { type EpochSources, UnpublishedEpochError } from './epochSources.ts'
import { artifactNamed, readDocument, readIfThere } from './previousMap.ts'

/** What a published map says, and what follows from the chain and the artifacts. */
export interface EpochCheck {
  epoch: number
  /** The root on the chain. */
  root: string
  recomputedRoot: string
  /** The first difference; null for a map that is right. */
  difference: Difference | null
}

/** Computes a published map again, from the usage documents that its document names. It is right when the document and the chain say the same as
 *  the recomputation. An artifact that the document lists as absent counts as absent only if it is needed and cannot be read now.
 *  @throws UnpublishedEpochError; ArtifactError when an artifact that is needed cannot be read: nothing can be said then */
export async function checkEpoch(sources: EpochSources, epoch: number): Promise<EpochCheck> {
  const row = await rowOf(sources.sql, RewardMap, String(epoch))
  if (row?.status !== 'Published' || !row.root)
    throw new UnpublishedEpochError(
      `Epoch ${epoch} has no published reward map on this chain. Choose a published epoch, or correct RPC_URL and DEPLOYMENT.`,
    )
  const { document, problem } = await readMap(sources, row)
  const { usage, absent } = document ?? { usage: [], absent: [] }
  const recomputed = await computeMap(sources, { epoch, usage, absent }, readIfThere(sources.artifacts))
  return {
    epoch,
    root: row.root,
    recomputedRoot: recomputed.map.root,
    difference: document
      ? differenceOf(row, document, recomputed)
      : { place: 'the document of the map', published: problem, recomputed: 'a reward map' },
  }
}

async function readMap({ artifacts }: EpochSources, { uri }: RewardMap) {
  const name = artifactNamed(uri)
  if (name === undefined) return { problem: `no artifact (${uri?.slice(0, 80)})` }
  const bytes = await readDocument((one, maxBytes) => artifacts.get(one, { maxBytes }), name)
  if (!bytes) return { problem: `artifact ${name}, which is too large for a document` }
  const parsed = parseDocument(rewardMapDocument, bytes)
  return parsed.success
    ? { document: parsed.data, problem: '' }
    : { problem: `artifact ${name}, which ${parsed.problem}` }
}

/** Where a fact is on the chain and in the document, both must be right. The version of the rules is no part of it. */
function differenceOf(row: RewardMap, document: RewardMapDocument, recomputed: ComputedEpoch): Difference | null {
  for (const [place, onChain] of [
    ['epoch', row.epoch],
    ['chainId', recomputed.chainId],
    ['distributor', recomputed.distributor],
    ['fromBlock', row.firstBlock],
    ['toBlock', row.lastBlock],
    ['blockHash', row.blockHash],
  ] as const)
    for (const published of [document[place], onChain])
      if (published !== recomputed[place])
        return { place, published: String(published), recomputed: String(recomputed[place]) }
  const [theirs, ours] = [epochMapOf(document), recomputed.map]
  return (
    firstDifference(theirs, ours) ??
    firstDifference({ ...ours, root: row.root as `0x${string}`, total: row.total }, ours)
  )
}
