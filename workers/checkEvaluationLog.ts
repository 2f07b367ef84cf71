import { z } from 'zod'
import { summariseMetric } from '#engine/tasks/evaluate.ts'
import { type RubricMetric, scoreOf } from '#engine/tasks/rubric.ts'
import type { EvaluationLog, Rubric, SealedItems } from '#schema/documents.ts'
import { itemHashesOf, openEvaluationLog } from '#schema/evaluationLog.ts'
import { failFastList, failFastRecord } from '#schema/failFastList.ts'
import { evaluationSeed, loggedMetric } from './firstEvaluation.ts'

/** What a check reads of the sealed part, an Inspect log. */
const details = z.object({
  eval: z.object({ metadata: z.object({ seed: z.number() }) }),
  samples: failFastList(
    z.object({
      input: z.string(),
      target: z.string(),
      output: z.object({ completion: z.string() }),
      scores: failFastRecord(z.object({ value: z.number() })),
    }),
  ),
})

type LoggedSample = z.infer<typeof details>['samples'][number]

/**
 * What is wrong with the log of an evaluation, by the items when they are opened: first that it is about these items, then that every score follows from
 * its answer, and that the metrics follow from the scores. Whether the version gives these answers tells only the model.
 * @returns one sentence for each fault; none when the log is right.
 * @throws SealError when the items do not open it.
 */
export function checkEvaluationLog(log: EvaluationLog, items: SealedItems, rubric: Pick<Rubric, 'metrics'>): string[] {
  const parsed = details.safeParse(openEvaluationLog(log, items))
  if (!parsed.success) return ['The sealed part is not the log of an evaluation.']
  const { samples, eval: run } = parsed.data
  const hashes = itemHashesOf(items)
  const faults: string[] = []
  if (hashes.join() !== log.itemHashes.join()) faults.push('The hashes are not those of the items.')
  if (log.seed !== evaluationSeed(log.versionId) || log.seed !== run.metadata.seed)
    faults.push(`The seed is ${log.seed}, not the one that follows from version ${log.versionId}.`)
  if (samples.length !== items.items.length) faults.push(`It has ${samples.length} of ${items.items.length} items.`)
  for (const [index, sample] of samples.entries()) {
    const item = items.items[index]
    if (item && (sample.input !== item.prompt || sample.target !== item.completion))
      faults.push(`Item ${index} is not the one that was asked.`)
    for (const metric of rubric.metrics)
      if (
        isOfAnswer(metric) &&
        sample.scores[metric.name]?.value !== scoreOf(metric, sample.output.completion, sample.target)
      )
        faults.push(`Item ${index}: the ${metric.name} of its answer is another.`)
  }
  if (faults.length > 0) return faults
  return rubric.metrics.flatMap((metric) => metricFaults(metric, log, samples))
}

/** Perplexities are measured with the model, not on its answer. */
const isOfAnswer = ({ kind }: RubricMetric) => kind !== 'perplexity' && kind !== 'choice'

function metricFaults(metric: RubricMetric, { metrics }: EvaluationLog, samples: readonly LoggedSample[]): string[] {
  const logged = metrics.find((one) => one.metric === metric.name)
  const scores = samples.map((sample) => sample.scores[metric.name]?.value ?? Number.NaN)
  if (!logged || scores.some(Number.isNaN)) return [`The ${metric.name} is missing.`]
  const values = metric.kind === 'perplexity' ? scores.map(Math.log) : scores
  const found = loggedMetric(summariseMetric(metric, values, undefined))
  const same = (['score', 'lower', 'upper'] as const).every((part) => isNear(found[part], BigInt(logged[part])))
  return same && Number(found.n) === logged.n ? [] : [`The ${metric.name} does not follow from the scores.`]
}

/** A perplexity was logged as such and is measured as a loss: its logarithm may differ in the last digit. */
const isNear = (a: bigint, b: bigint) => a - b <= 1n && b - a <= 1n
