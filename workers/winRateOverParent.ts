import type { MetricScore } from '#engine/tasks/evaluate.ts'
import { WIN_RATE } from '#rules/winRate.ts'
import { type Dependencies, forwardProgress } from './dependencies.ts'
import { evaluationSeed } from './firstEvaluation.ts'
import { loadPreferences } from './handlers/rlhfData.ts'
import type { JobContext } from './job.ts'
import { fetchAdapter, fetchBaseModel, loadItems, loadVersion, sourcesOf, type VersionDetails } from './modelLookup.ts'

/** What justifies an alignment: how often the version's answers to the sealed items are preferred to those of the version from which it was made, as the judges of
 *  that one have preferred. Undefined for a version that was not aligned, and where the rubric has a metric of this name. */
export async function winRateOverParent(
  job: JobContext,
  dependencies: Dependencies,
  facts: VersionDetails,
  [from, to]: readonly [from: number, to: number],
): Promise<MetricScore | undefined> {
  const { manifest, rubric, version } = facts
  const { parentVersionId, method } = manifest
  if (method === 'sft' || parentVersionId === null || rubric.metrics.some(({ name }) => name === WIN_RATE)) return
  const sources = sourcesOf(job, dependencies)
  const { pairs } = await loadPreferences(sources, parentVersionId)
  if (pairs.length === 0) return
  const measured = await dependencies.engine.run(
    'winRate',
    {
      baseFolder: await fetchBaseModel(sources, facts),
      adapterFolder: await fetchAdapter(sources, facts),
      againstFolder: await fetchAdapter(sources, await loadVersion(sources, parentVersionId)),
      items: await loadItems(sources, rubric.test),
      pairs,
      maxTokens: rubric.maxTokens,
      seed: evaluationSeed(version.id),
    },
    forwardProgress(job, from, to, 'comparing with the version before'),
  )
  return { ...measured, name: WIN_RATE }
}
