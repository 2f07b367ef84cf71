import { basename } from 'node:path'
import { Scorer } from '#engine/model/scorer.ts'
import { estimateMean, meanInterval, meanOf, wilsonInterval } from '#engine/stats/estimate.ts'
import { toInspectLog } from '#engine/stats/evalLog.ts'
import type { Sample } from '#engine/stats/evaluation.ts'
import { encodeRow, type TextPair } from './encode.ts'
import { answer } from './generate.ts'
import { type Base, type LoadedAdapter, loadAdapter, loadBase } from './models.ts'
import { type Metric, scoreOf } from './rubric.ts'
import { stage, type TaskContext, TaskError } from './task.ts'

export interface EvaluateInput {
  baseFolder: string
  adapterFolder?: string
  /** Questions, each with a right answer. */
  items: readonly TextPair[]
  rubric: { metrics: readonly Metric[]; maxTokens: number }
  seed: number
  /** The time that the log bears, so that the same evaluation gives the same log. Default the epoch of 1970. */
  at?: string
}

export interface MetricScore {
  name: string
  score: number
  /** 95 % interval: Wilson's for shares of right answers, Student's otherwise. */
  lower: number
  upper: number
  n: number
}

/** Answers every item greedily and scores the answers by a rubric; the log has the form of Inspect's EvalLog, version 2. */
export async function evaluate(
  input: EvaluateInput,
  context: TaskContext,
): Promise<{ metrics: MetricScore[]; log: Record<string, unknown> }> {
  const { items, rubric, seed } = input
  if (items.length === 0) throw new TaskError('There are no items to evaluate on; give at least one.')
  const base = await loadBase(input.baseFolder)
  const adapter = input.adapterFolder === undefined ? undefined : await loadAdapter(base, input.adapterFolder)
  const requests = items.map(({ prompt }, index) => ({ prompt, maxTokens: rubric.maxTokens, seed: `${seed}/${index}` }))
  const answers = await answer(base, adapter, requests, stage(context, 0, 0.9))
  const losses = rubric.metrics.some(({ kind }) => kind === 'perplexity')
    ? await lossesOf(base, adapter, items, context.signal)
    : []
  const samples = items.map(
    ({ prompt, completion }, index): Sample => ({
      id: String(index),
      input: prompt,
      target: completion,
      answer: answers[index]!.text,
      scores: Object.fromEntries(
        rubric.metrics.map((metric) => [
          metric.name,
          metric.kind === 'perplexity' ? Math.exp(losses[index]!) : scoreOf(metric, answers[index]!.text, completion),
        ]),
      ),
      promptTokens: answers[index]!.tokensIn,
      completionTokens: answers[index]!.tokensOut,
      stopReason: answers[index]!.finish === 'stop' ? 'stop' : 'max_tokens',
    }),
  )
  const metrics = rubric.metrics.map((metric) =>
    summariseMetric(metric, metric.kind === 'perplexity' ? losses : samples.map(({ scores }) => scores[metric.name]!)),
  )
  const time = new Date(input.at ?? 0)
  const log = toInspectLog({
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
  })
  context.emit({ type: 'progress', done: 1, stage: 'evaluated' })
  return { metrics, log }
}

/** Mean negative log-probability a token of each item's right answer. */
async function lossesOf(
  base: Base,
  adapter: LoadedAdapter | undefined,
  items: readonly TextPair[],
  signal: AbortSignal,
): Promise<number[]> {
  const { config, weights } = base
  const rows = items.map((item) => encodeRow(base, item, config.max_position_embeddings))
  const scorer = new Scorer({ config, weights, ...(adapter && { lora: adapter.lora, adapter: adapter.weights }) })
  try {
    const scored = await scorer.logProbabilities(
      rows.map(({ ids }) => ids),
      signal,
    )
    return scored.map((values, index) => -meanOf(values.filter((_, t) => rows[index]!.mask[t + 1] === 1)))
  } finally {
    await scorer.release()
  }
}

function summariseMetric({ name, kind }: Metric, values: readonly number[]): MetricScore {
  const n = values.length
  const estimate = estimateMean(values)
  if (kind === 'perplexity') {
    const { low, high } = meanInterval(estimate)
    const upper = Math.min(Math.exp(high), Number.MAX_SAFE_INTEGER)
    return { name, score: Math.exp(estimate.mean), lower: Math.exp(low), upper, n }
  }
  const right = values.reduce((sum, value) => sum + value, 0)
  const share = values.every((value) => value === 0 || value === 1)
  const { low, high } = share ? wilsonInterval(right, n) : meanInterval(estimate)
  return { name, score: estimate.mean, lower: Math.max(0, low), upper: Math.min(1, high), n }
}
