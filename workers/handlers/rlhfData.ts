import type { AlignTaskInput } from '#engine/tasks/alignInput.ts'
import { PPM } from '#rules/bps.ts'
import type { Sql } from '#schema/database.ts'
import {
  comparisonDocument,
  comparisonKeyDocument,
  evidenceDocument,
  getDocument,
  type Manifest,
} from '#schema/documents.ts'
import { isRemoved } from '#schema/offchain/removals.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { FeedbackTask } from '#schema/onchain/feedback.ts'
import { targetsOf } from '#schema/promotionFacts.ts'
import { rowsOf } from '#schema/rows.ts'
import { loadItems, type Sources, type VersionDetails } from '../modelLookup.ts'
import { loadSample } from '../samples.ts'

/** What an alignment learns from, and what it may not lose. */

type Pair = AlignTaskInput['pairs'][number]

/** The preferences of a version's settled comparisons: what the judges weighed, and the opened gold tasks, whose better answers are known. */
export async function loadPreferences(
  { db, artifacts }: Sources,
  versionId: string,
): Promise<{ pairs: Pair[]; evidenceHashes: string[] }> {
  const settled = await rowsOf(db, FeedbackTask, 'version_id = $1 and settled', [versionId])
  const evidenceHashes = [...new Set(settled.flatMap(({ evidenceHash }) => evidenceHash ?? []))].sort()
  const evidence = await Promise.all(evidenceHashes.map((hash) => getDocument(artifacts, evidenceDocument, hash)))
  const judged = evidence
    .flatMap(({ pairs }) => pairs)
    .map(
      ({ prompt, chosen, rejected, weight, noise }): Pair => ({
        prompt,
        chosen,
        rejected,
        weight: weight / Number(PPM),
        noise: noise / Number(PPM),
      }),
    )
  const own = new Set(settled.map(({ itemHash }) => itemHash))
  const known: Pair[] = []
  for (const key of [...new Set(evidence.flatMap(({ keys }) => keys))].sort()) {
    const { tasks } = await getDocument(artifacts, comparisonKeyDocument, key)
    for (const { item, gold } of tasks) {
      if (gold === null || !own.has(item)) continue
      const { prompt, answers } = await getDocument(artifacts, comparisonDocument, item)
      const [first, second] = answers
      known.push({
        prompt,
        ...(gold === 0 ? { chosen: first, rejected: second } : { chosen: second, rejected: first }),
      })
    }
  }
  return { pairs: [...judged, ...known], evidenceHashes }
}

/** The samples that a version was trained on and that its manifest weighs, without those that an upheld dispute excludes, that were taken down or
 *  withdrawn. When none was found helpful, all of its samples. */
export async function loadTrainedSamples({ db, artifacts }: Sources, { dataset, weights }: Manifest) {
  const weighed = weights.filter(({ weight }) => BigInt(weight) > 0n).map(({ contributionId }) => contributionId)
  const contributions = await rowsOf(
    db,
    Contribution,
    `id = any($1) and not excluded and not ${isRemoved('contribution')}`,
    [weighed.length > 0 ? weighed : dataset],
    { orderBy: 'id::numeric' },
  )
  return Promise.all(contributions.map(({ contentHash }) => loadSample(artifacts, contentHash)))
}

/** The datanets of the samples that a version was trained on. */
export const datanetsOfSamples = async (sql: Sql, { dataset }: Manifest): Promise<string[]> => [
  ...new Set((await rowsOf(sql, Contribution, 'id = any($1)', [dataset])).map(({ datanetId }) => datanetId)),
]

/** The items and metrics on which an aligned version is compared with its parent: the metrics of the mandate that may not fall. */
export async function loadValidation(
  sources: Sources,
  { rubric, model }: VersionDetails,
): Promise<AlignTaskInput['validation']> {
  const kept = (await targetsOf(sources.db, model.id)).filter(({ mayFall }) => !mayFall).map(({ metric }) => metric)
  const metrics = rubric.metrics.filter(({ name }) => kept.includes(name))
  return metrics.length === 0 ? undefined : { items: await loadItems(sources, rubric.validation), metrics }
}
