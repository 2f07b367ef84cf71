// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { Weights } from '#engine/formats/weights.ts'
import { estimateMean, meanInterval } from '#engine/stats/estimate.ts'
import { BestModelRun } from '#engine/train/bestModelRun.ts'
import type { ResumableRun } from '#engine/train/run.ts'
import type { Trainer } from '#engine/train/trainer.ts'
import { meanOf } from '#math/summary.ts'
import type { AlignTaskInput, AlignValidation } from './alignInput.ts'
import { clustersOf, scoreItems } from './evaluate.ts'
import type { GeneratedAnswer } from './generate.ts'
import type { BaseModel, LoadedAdapter } from './models.ts'
import { type TaskContext, TaskError } from './task.ts'

/** Judgements in a run: they cost about a tenth of its time. */
const JUDGEMENTS = 10

/** A model’s answers to the validation items, and what they show beside those of the model at the start. */
export interface ValidatedModel {
  answers: readonly GeneratedAnswer[]
  /** The mean of every metric; of a perplexity, of the losses. */
  means: Readonly<Record<string, number>>
  /** The metrics in which it is significantly worse. */
  worse: readonly string[]
}

/** Compares adapters with the one from which training starts, on the same items. */
export async function openValidation(
  base: BaseModel,
  start: LoadedAdapter,
  { validation, training: { maxTokens, seed } }: Pick<AlignTaskInput, 'training'> & { validation: AlignValidation },
  { signal }: TaskContext,
): Promise<(weights: Weights) => Promise<ValidatedModel>> {
  const { items, metrics } = validation
  if (items.length === 0) throw new TaskError('The validation has no items; give some, or leave it out.')
  const silent: TaskContext = { signal, emit: () => {} }
  const measure = (weights: Weights) =>
    scoreItems(base, { lora: start.lora, weights }, { items, rubric: { metrics, maxTokens }, seed }, silent)
  const { values: before } = await measure(start.weights)
  const clusters = clustersOf(items)
  return async (weights) => {
    const { answers, values } = await measure(weights)
    const gainsOf = (nth: number): number[] => {
      const sign = metrics[nth]!.kind === 'perplexity' ? -1 : 1
      return values[nth]!.map((value, item) => sign * (value - before[nth]![item]!))
    }
    return {
      answers,
      means: Object.fromEntries(metrics.map(({ name }, nth) => [name, meanOf(values[nth]!)])),
      worse: metrics.flatMap(({ name }, nth) => (isLoss(gainsOf(nth), clusters) ? [name] : [])),
    }
  }
}

/** Whether the mean gain is below zero at the upper end of its 95 % interval. Both models answered the same items, so the gains are of pairs. */
export const isLoss = (gains: readonly number[], clusters?: readonly unknown[]): boolean =>
  meanInterval(estimateMean(gains, clusters)).high < 0

/** The run, which is also judged on the validation items. `scoreOf` scores the model of a step among those that are not worse. */
export async function withValidation<Report, Example>(
  run: ResumableRun<Report>,
  trainer: Trainer<Example>,
  { base, start, input }: { base: BaseModel; start: LoadedAdapter; input: AlignTaskInput },
  scoreOf: (model: ValidatedModel, step: number) => Promise<number> | number,
  context: TaskContext,
): Promise<{ run: ResumableRun<Report>; chosen(): Promise<{ weights: Weights; step: number }> }> {
  const { validation, training } = input
  if (!validation) return { run, chosen: async () => ({ weights: await trainer.parameters(), step: trainer.step }) }
  const validate = await openValidation(base, start, { validation, training }, context)
  const judged = new BestModelRun(run, trainer, {
    steps: training.steps,
    every: Math.ceil(training.steps / JUDGEMENTS),
    async judge(weights, step) {
      const model = await validate(weights)
      const score = await scoreOf(model, step)
      const points = { validationScore: score, ...model.means }
      for (const [name, value] of Object.entries(points)) context.emit({ type: 'metric', name, step, value })
      return { score, isAdmissible: model.worse.length === 0 }
    },
  })
  return {
    run: judged,
    async chosen() {
      if (judged.best) return { weights: judged.best.parameters, step: judged.best.step }
      const names = validation.metrics.map(({ name }) => name).join(', ')
      throw new TaskError(
        `Every model of this alignment answers the validation items significantly worse than the version at its start (${names}). Lower the learning rate, or raise beta or supervisedWeight.`,
      )
    },
  }
}
