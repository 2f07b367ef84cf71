import { PPM } from '#rules/bps.ts'
import { judgeVersion } from '#rules/promotion.ts'
import { quantise } from '#rules/quantise.ts'
import { documentBytes } from '#schema/documents.ts'
import { Target } from '#schema/onchain/models.ts'
import { rowsOf } from '#schema/rows.ts'
import { type Dependencies, forwardProgress, storeAs } from '../dependencies.ts'
import type { JobHandler } from '../job.ts'
import { fetchAdapter, fetchBaseModel, loadItems, loadVersion, sourcesOf } from '../modelLookup.ts'

/** Evaluates a version with the rubric of the mandate, logs every metric on chain, and promotes the version when it meets each target. */
export const evaluateHandler =
  (dependencies: Dependencies): JobHandler<'evaluate'> =>
  async (job) => {
    const sources = sourcesOf(job, dependencies)
    const facts = await loadVersion(sources, job.input.versionId)
    const { rubric, rubricHash, version } = facts
    const common = {
      baseFolder: await fetchBaseModel(sources, facts),
      items: await loadItems(sources, rubric.test),
      rubric: { metrics: rubric.metrics, maxTokens: rubric.maxTokens },
      seed: job.input.seed,
    }
    const half = job.input.baseline ? 0.45 : 0.9
    const { metrics, log } = await dependencies.engine.run(
      'evaluate',
      { ...common, adapterFolder: await fetchAdapter(sources, facts) },
      forwardProgress(job, 0, half, 'evaluating'),
    )
    const base = job.input.baseline
      ? (
          await dependencies.engine.run(
            'evaluate',
            common,
            forwardProgress(job, half, 0.9, 'evaluating the base model'),
          )
        ).metrics
      : undefined
    const logHash = await storeAs(job, 'evaluationLog').put(documentBytes(log))
    const logged = metrics.map(({ name, score, lower, upper, n }) => ({
      metric: name,
      score: quantise(score, PPM),
      lower: quantise(lower, PPM),
      upper: quantise(upper, PPM),
      n: BigInt(n),
    }))
    job.report(0.92, 'logging on chain')
    await job.chain.transact(`evaluation:${version.id}:${logHash}`, {
      contract: 'EvaluationRegistry',
      functionName: 'log',
      args: [BigInt(version.id), rubricHash as `0x${string}`, logged, logHash as `0x${string}`],
    })
    const targets = await rowsOf(job.db, Target, 'model_id = $1', [version.modelId])
    const { promotable, results } = judgeVersion(
      targets,
      logged.map((metric) => ({ ...metric, order: 0n })),
    )
    const promoted = promotable && job.input.promote && version.status === 'Registered'
    if (promoted)
      await job.chain.transact(`promote:${version.id}`, {
        contract: 'ModelRegistry',
        functionName: 'promote',
        args: [BigInt(version.id)],
      })
    return {
      result: {
        versionId: version.id,
        logHash,
        metrics,
        ...(base && { base }),
        meetsTargets: promotable,
        missed: results.filter(({ verdict }) => verdict !== 'met').map(({ target }) => target.metric),
        promoted,
      },
    }
  }
