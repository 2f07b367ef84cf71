import type { MetricScore } from '#engine/tasks/evaluate.ts'
import { PPM } from '#rules/bps.ts'
import type { MetricEvaluation } from '#rules/promotion.ts'
import { quantise } from '#rules/quantise.ts'
import { evaluationLogDocument, getDocument, itemsDocument, putDocument } from '#schema/documents.ts'
import { sealEvaluationLog } from '#schema/evaluationLog.ts'
import { type Dependencies, forwardProgress, storeAs } from './dependencies.ts'
import type { JobContext } from './job.ts'
import { fetchBaseModel, loadItems, sourcesOf, type VersionDetails } from './modelLookup.ts'
import { evaluationsOf } from './storedEvaluations.ts'

type Job = JobContext<'evaluate'>
type LoggedMetric = Pick<MetricEvaluation, 'metric' | 'score' | 'lower' | 'upper' | 'n'>

/** The one evaluation of a version under its mandate's rubric: what is on chain; or what an earlier attempt has signed; or what `measure` finds, which is
 *  then logged. */
export async function firstEvaluation(
  job: Job,
  facts: VersionDetails,
  measure: () => Promise<{ metrics: MetricScore[]; log: unknown }>,
): Promise<{ logHash: string; metrics: MetricEvaluation[] }> {
  const indexed = await evaluationsOf(job.db, facts.version.id, facts.rubricHash)
  if (indexed[0]) return { logHash: indexed[0].logHash, metrics: indexed }
  const key = `evaluation:${facts.version.id}:${facts.rubricHash}`
  const signed = await job.chain.signedTransaction(key)
  const args =
    signed && signed.status !== 'Cancelled'
      ? (signed.args('EvaluationRegistry') as LogArguments)
      : await argumentsOf(job, facts, await measure())
  job.report(0.92, 'logging on chain')
  await job.chain.transact(key, { contract: 'EvaluationRegistry', functionName: 'log', args })
  const [, , metrics, logHash] = args
  return { logHash, metrics: metrics.map((metric) => ({ ...metric, order: 0n })) }
}

type LogArguments = readonly [bigint, `0x${string}`, readonly LoggedMetric[], `0x${string}`]

async function argumentsOf(
  job: Job,
  { version, rubric, rubricHash }: VersionDetails,
  { metrics, log }: { metrics: MetricScore[]; log: unknown },
): Promise<LogArguments> {
  const logged = metrics.map(loggedMetric)
  const facts = {
    versionId: version.id,
    rubric: rubricHash,
    items: rubric.test,
    seed: evaluationSeed(version.id),
    metrics: logged.map(({ metric, score, lower, upper, n }) => ({
      metric,
      score: score.toString(),
      lower: lower.toString(),
      upper: upper.toString(),
      n: Number(n),
    })),
  }
  const items = await getDocument(job.artifacts, itemsDocument, rubric.test)
  const document = sealEvaluationLog(facts, items, log)
  const logHash = await putDocument(storeAs(job, 'evaluationLog'), evaluationLogDocument, document)
  return [BigInt(version.id), rubricHash as `0x${string}`, logged, logHash as `0x${string}`]
}

/** A measured metric as it is logged: rounded once, to ppm. */
export const loggedMetric = ({ name, score, lower, upper, n }: MetricScore): LoggedMetric => ({
  metric: name,
  score: quantise(score, PPM),
  lower: quantise(lower, PPM),
  upper: quantise(upper, PPM),
  n: BigInt(n),
})

/** The seed follows from the version, so that nobody chooses it. */
export const evaluationSeed = (versionId: string): number => Number(BigInt.asUintN(31, BigInt(versionId)))

type SealedItem = Awaited<ReturnType<typeof loadItems>>[number]

/** Answers the sealed items, or those that are chosen of them, with a version, or without an adapter with its base model, and scores the answers. */
export async function runRubric(
  job: JobContext,
  dependencies: Dependencies,
  facts: VersionDetails,
  {
    adapterFolder,
    part,
    choose = (items) => items,
  }: {
    adapterFolder?: string
    part: readonly [from: number, to: number, stage: string]
    choose?(items: SealedItem[]): SealedItem[]
  },
) {
  const { rubric, version } = facts
  const sources = sourcesOf(job, dependencies)
  return dependencies.engine.run(
    'evaluate',
    {
      baseFolder: await fetchBaseModel(sources, facts),
      adapterFolder,
      items: choose(await loadItems(sources, rubric.test)),
      rubric: { metrics: rubric.metrics, maxTokens: rubric.maxTokens },
      seed: evaluationSeed(version.id),
    },
    forwardProgress(job, ...part),
  )
}
