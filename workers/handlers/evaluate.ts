import { PPM } from '#rules/bps.ts'
import { judgeVersion, type MetricEvaluation } from '#rules/promotion.ts'
import { targetsOf } from '#schema/promotionFacts.ts'
import type { Dependencies } from '../dependencies.ts'
import { firstEvaluation, runRubric } from '../firstEvaluation.ts'
import type { JobContext, JobHandler } from '../job.ts'
import { fetchAdapter, loadVersion, sourcesOf } from '../modelLookup.ts'
import { sendUnlessDone } from '../sendUnlessDone.ts'
import { evaluationsOf } from '../storedEvaluations.ts'
import { winRateOverParent } from '../winRateOverParent.ts'

/** Evaluates a version with the rubric of the mandate, and an aligned one also by its win rate over the one before; logs every metric on chain, and promotes the
 *  version when it meets each target and is nowhere worse than the live one. The first evaluation counts: a version that has one is not evaluated again (amendment 15). */
export const evaluateHandler =
  (dependencies: Dependencies): JobHandler<'evaluate'> =>
  async (job) => {
    const { input, db } = job
    const sources = sourcesOf(job, dependencies)
    const facts = await loadVersion(sources, input.versionId)
    const { version, rubricHash, model } = facts
    const half = input.baseline ? 0.45 : 0.9
    const { logHash, metrics } = await firstEvaluation(job, facts, async () => {
      const adapterFolder = await fetchAdapter(sources, facts)
      const measured = await runRubric(job, dependencies, facts, { adapterFolder, part: [0, half / 2, 'evaluating'] })
      const preferred = await winRateOverParent(job, dependencies, facts, [half / 2, half])
      return { ...measured, metrics: [...measured.metrics, ...(preferred ? [preferred] : [])] }
    })
    const base = input.baseline
      ? (await runRubric(job, dependencies, facts, { part: [half, 0.9, 'evaluating the base model'] })).metrics
      : undefined
    const live = model.liveVersionId === null ? [] : await evaluationsOf(db, model.liveVersionId, rubricHash)
    const { promotable, results } = judgeVersion(await targetsOf(db, version.modelId), metrics, live)
    const promoted = promotable && input.promote && version.status === 'Registered'
    if (promoted) await promote(job, BigInt(version.id))
    const unmet = results.filter(({ verdict }) => verdict !== 'met')
    return {
      result: {
        versionId: version.id,
        logHash,
        metrics: metrics.map(asShares),
        ...(base && { base }),
        meetsTargets: promotable,
        missed: unmet.map(({ target }) => target.metric),
        reasons: unmet.map(({ reason }) => reason),
        promoted,
      },
    }
  }

/** Anybody may promote a version that meets its mandate. */
const promote = ({ chain }: JobContext<'evaluate'>, id: bigint) =>
  sendUnlessDone(
    () =>
      chain.transact(
        `promote:${id}`,
        { contract: 'ModelRegistry', functionName: 'promote', args: [id] },
        { again: true },
      ),
    async () => (await chain.read('ModelRegistry', 'getVersion', [id])).promoted,
  )

const asShares = ({ metric, score, lower, upper, n }: MetricEvaluation) => {
  const share = (ppm: bigint) => Number(ppm) / Number(PPM)
  return { name: metric, score: share(score), lower: share(lower), upper: share(upper), n: Number(n) }
}
