// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { basename } from 'node:path'
import { SequenceScorer } from '#engine/model/scorer.ts'
import { estimateMean, meanInterval, wilsonInterval } from '#engine/stats/estimate.ts'
import { toInspectLog, toLmEvalResults } from '#engine/stats/evalLog.ts'
import type { EvaluationRun, EvaluationSample } from '#engine/stats/evaluation.ts'
import { multipleChoice, perplexity } from '#engine/stats/scorers.ts'
import { sumOf } from '#math/summary.ts'
import { encodeRow, type TextPair } from './encode.ts'
import { answerPrompts, type GeneratedAnswer } from './generate.ts'
import { type BaseModel, type LoadedAdapter, loadAdapter, loadBase } from './models.ts'
import { type RubricMetric, scoreOf } from './rubric.ts'
import { stageContext, type TaskContext, TaskError } from './task.ts'

export interface EvaluationItem extends TextPair {
  /** The choices, including the right one; for metrics of the kind `choice`. */
  choices?: readonly string[]
  /** Items of one cluster (for example, questions about one text) have correlated errors; the intervals take this into account. */
  cluster?: string
}

export interface EvaluateTaskInput {
  baseFolder: string
  adapterFolder?: string
  /** Questions with their right answers. */
  items: readonly EvaluationItem[]
  rubric: { metrics: readonly RubricMetric[]; maxTokens: number }
  seed: number
  /** The time in the log, fixed so that the same evaluation gives the same log. Default 1970-01-01. */
  at?: string
}

export interface MetricScore {
  name: string
  score: number
  /** 95 % confidence interval: Wilson's for proportions without clusters, Student's otherwise. */
  lower: number
  upper: number
  n: number
}

/**
 * Answers every item greedily and scores the answers by a rubric. `log` is an Inspect EvalLog (version 2), `summary` a results
 * file of lm-evaluation-harness.
 */
export async function evaluateTask(
  input: EvaluateTaskInput,
  context: TaskContext,
): Promise<{ metrics: MetricScore[]; log: Record<string, unknown>; summary: Record<string, unknown> }> {
  const { items, rubric, seed } = input
  if (items.length === 0) throw new TaskError('There are no items to evaluate on; give at least one.')
  const base = await loadBase(input.baseFolder)
  const adapter = input.adapterFolder === undefined ? undefined : await loadAdapter(base, input.adapterFolder)
  const { answers, values } = await scoreItems(base, adapter, { items, rubric, seed }, stageContext(context, 0, 0.9))
  const samples = answers.map(({ text, tokensIn, tokensOut, finish }, index): EvaluationSample => {
    const { prompt, completion, cluster } = items[index]!
    const score = ({ kind }: RubricMetric, nth: number): number =>
      kind === 'perplexity' ? Math.exp(values[nth]![index]!) : values[nth]![index]!
    return {
      id: String(index),
      ...(cluster !== undefined && { cluster }),
      input: prompt,
      target: completion,
      answer: text,
      scores: Object.fromEntries(rubric.metrics.map((metric, nth) => [metric.name, score(metric, nth)])),
      promptTokens: tokensIn,
      completionTokens: tokensOut,
      stopReason: finish === 'stop' ? 'stop' : 'max_tokens',
    }
  })
  const metrics = rubric.metrics.map((metric, nth) => summariseMetric(metric, values[nth]!, clustersOf(items)))
  const time = new Date(input.at ?? 0)
  const evaluation: EvaluationRun = {
    task: 'rubric',
    taskVersion: 1,
    dataset: `${items.length} items`,
    model: [input.baseFolder, input.adapterFolder]
      .filter((folder) => folder !== undefined)
      .map((folder) => basename(folder))
      .join('+'),
    config: { seed, temperature: 0, maxTokens: rubric.maxTokens },
    scorers: rubric.metrics.map(({ name, kind }) => ({ name, metric: kind, higherIsBetter: kind !== 'perplexity' })),
    samples,
    startedAt: time,
    completedAt: time,
  }
  context.emit({ type: 'progress', done: 1, stage: 'evaluated' })
  return { metrics, log: toInspectLog(evaluation), summary: toLmEvalResults([evaluation]) }
}

/** The clusters of the items; undefined when no item names one. */
export const clustersOf = (items: readonly EvaluationItem[]): unknown[] | undefined =>
  items.some(({ cluster }) => cluster !== undefined) ? items.map(({ cluster }, index) => cluster ?? index) : undefined

/** Answers every item greedily. `values` has for each metric the score of every item; for a perplexity, the loss of its right answer. */
export async function scoreItems(
  base: BaseModel,
  adapter: LoadedAdapter | undefined,
  { items, rubric, seed }: Pick<EvaluateTaskInput, 'items' | 'rubric' | 'seed'>,
  context: TaskContext,
): Promise<{ answers: GeneratedAnswer[]; values: number[][] }> {
  const { metrics, maxTokens } = rubric
  const requests = items.map(({ prompt }, index) => ({ prompt, maxTokens, seed: `${seed}/${index}` }))
  const answers = await answerPrompts(base, adapter, requests, context)
  const values: number[][] = []
  for (const metric of metrics)
    if (metric.kind === 'perplexity')
      values.push((await likelihoodsOf(base, adapter, items, context.signal)).map((each) => perplexity(each).loss))
    else if (metric.kind === 'choice') values.push(await choicesOf(base, adapter, items, context.signal))
    else values.push(answers.map(({ text }, index) => scoreOf(metric, text, items[index]!.completion)))
  return { answers, values }
}

/** For each item, 1 if its right answer has the highest total log-likelihood of its choices, else 0. */
async function choicesOf(
  base: BaseModel,
  adapter: LoadedAdapter | undefined,
  items: readonly EvaluationItem[],
  signal: AbortSignal,
): Promise<number[]> {
  const questions = items.map(({ prompt, completion, choices = [] }, index) => {
    if (choices.length > 1 && choices.includes(completion))
      return { prompt, choices, right: choices.indexOf(completion) }
    throw new TaskError(`Item ${index} has no choices, or its right answer is not one of them; list at least two.`)
  })
  const all = questions.flatMap(({ prompt, choices }) => choices.map((completion) => ({ prompt, completion })))
  const values = await likelihoodsOf(base, adapter, all, signal)
  let from = 0
  return questions.map(({ choices, right }) => {
    const sums = values.slice(from, (from += choices.length)).map(sumOf)
    const bytes = choices.map((text) => Buffer.byteLength(text))
    return multipleChoice(sums, bytes, right).accuracy
  })
}

/** Log-probabilities of the tokens of each item's right answer. */
async function likelihoodsOf(
  base: BaseModel,
  adapter: LoadedAdapter | undefined,
  items: readonly TextPair[],
  signal: AbortSignal,
): Promise<Float32Array[]> {
  const { config, weights } = base
  const rows = items.map((item) => encodeRow(base, item, config.max_position_embeddings))
  const scorer = new SequenceScorer({
    config,
    weights,
    ...(adapter && { lora: adapter.lora, adapter: adapter.weights }),
  })
  try {
    const scored = await scorer.logProbabilities(
      rows.map(({ ids }) => ids),
      signal,
    )
    return scored.map((values, index) => values.filter((_, t) => rows[index]!.mask[t + 1] === 1))
  } finally {
    await scorer.release()
  }
}

/** The estimate of one metric from the values of all items; of a perplexity, from the losses. */
export function summariseMetric(
  { name, kind }: RubricMetric,
  values: readonly number[],
  clusters: readonly unknown[] | undefined,
): MetricScore {
  const n = values.length
  const estimate = estimateMean(values, clusters)
  if (kind === 'perplexity') {
    const { low, high } = meanInterval(estimate)
    const upper = Math.min(Math.exp(high), Number.MAX_SAFE_INTEGER)
    return { name, score: Math.exp(estimate.mean), lower: Math.exp(low), upper, n }
  }
  const right = sumOf(values)
  const share = !clusters && values.every((value) => value === 0 || value === 1)
  const { low, high } = share ? wilsonInterval(right, n) : meanInterval(estimate)
  return { name, score: estimate.mean, lower: Math.max(0, low), upper: Math.min(1, high), n }
}
