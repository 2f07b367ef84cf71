import { itemsOfPart, partsOfItems } from '#rules/rollingEvaluation.ts'
import type { Dependencies } from '../dependencies.ts'
import { loggedMetric, runRubric } from '../firstEvaluation.ts'
import { JobError, type JobHandler } from '../job.ts'
import { fetchAdapter, loadVersion, sourcesOf } from '../modelLookup.ts'

/** Answers a part of the sealed items again with a version that serves. Only the scores over the part leave the engine: answers and items do not, and a part is
 *  too large to tell of one of them. */
export const monitorVersionHandler =
  (dependencies: Dependencies): JobHandler<'monitorVersion'> =>
  async (job) => {
    const { versionId, period, everySeconds, parts: wanted } = job.input
    const sources = sourcesOf(job, dependencies)
    const facts = await loadVersion(sources, versionId)
    if (facts.version.status !== 'Promoted')
      throw new JobError('NOT_PROMOTED', `Version ${versionId} does not serve: it is ${facts.version.status}.`)
    let [part, parts] = [0, 1]
    const { metrics } = await runRubric(job, dependencies, facts, {
      adapterFolder: await fetchAdapter(sources, facts),
      part: [0, 0.95, 'evaluating'],
      choose(items) {
        parts = partsOfItems(items.length, wanted)
        part = period % parts
        return itemsOfPart(items, part, parts)
      },
    })
    const asText = metrics.map(loggedMetric).map(({ metric, score, lower, upper, n }) => ({
      ...{ metric, score: `${score}`, lower: `${lower}`, upper: `${upper}`, n: `${n}` },
    }))
    return { result: { versionId, rubric: facts.rubricHash, period, everySeconds, part, parts, metrics: asText } }
  }
