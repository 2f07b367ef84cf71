import { setImmediate as nextTurn } from 'node:timers/promises'
import { addedInfluences } from '#rules/addedInfluence.ts'
import type { RecordedInfluence } from '#rules/attribution.ts'
import { QualityIndex, type Similar } from '#rules/quality.ts'
import { canonicalSample } from '#rules/sample.ts'
import { type Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { rowOf } from '#schema/rows.ts'
import { inCommitOrder } from './commitOrder.ts'
import type { Sources } from './modelLookup.ts'
import { loadSample } from './samples.ts'

/** Samples that are compared before other events, such as heartbeats, get their turn. */
const COMPARED_AT_ONCE = 50

/** What each contribution of a version adds to the influence of those committed earlier (amendment 4b), in the order given. It depends only on
 *  the version's own samples and their commitments, so that anyone can recompute it. */
export async function influenceAdded<I extends RecordedInfluence>(
  sources: Pick<Sources, 'db' | 'artifacts'>,
  contributions: readonly Contribution[],
  measured: readonly I[],
  validationItems: number,
): Promise<(I & { added?: RecordedInfluence })[]> {
  const similar = await similarEarlier(sources, contributions)
  const added = addedInfluences(
    measured.map((one) => ({ ...one, similar: similar.get(one.contributionId) ?? [] })),
    validationItems,
  )
  return measured.map((one, at) => ({ ...one, added: added[at] }))
}

async function similarEarlier(
  sources: Pick<Sources, 'db' | 'artifacts'>,
  contributions: readonly Contribution[],
): Promise<Map<string, Similar[]>> {
  const datanet = await rowOf(sources.db, Datanet, contributions[0]?.datanetId ?? '')
  const index = new QualityIndex({ comparison: datanet?.comparison ?? 'prose' })
  const similar = new Map<string, Similar[]>()
  for (const [at, { contribution, committed }] of (await inCommitOrder(sources, contributions)).entries()) {
    if (at % COMPARED_AT_ONCE === 0) await nextTurn()
    const text = canonicalSample(await loadSample(sources.artifacts, contribution.contentHash))
    similar.set(contribution.id, index.add({ id: contribution.id, committed, text }).similar)
  }
  return similar
}
