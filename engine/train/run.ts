import type { Weights } from '#engine/formats/weights.ts'
import { Random } from '#math/random.ts'
import { mixedIn, type SupervisedMix } from './passes.ts'
import { learningRateAt, type Schedule, schedule } from './schedule.ts'
import { type Loss, type StepResult, type Trainer, type TrainerState, TrainingError } from './trainer.ts'

/** The data and the length of a training run. */
export interface TrainingPlan<Example> {
  examples: readonly Example[]
  /** Examples per update; with more than the trainer's micro-batch, gradients accumulate. */
  batchSize: number
  /** Passes over the examples; alternatively `steps`. */
  epochs?: number
  steps?: number
  /** A schedule, or the peak of the default schedule (cosine to 0, no warm-up). */
  learningRate: Schedule | number
  supervised?: SupervisedMix
  evaluation?: {
    examples: readonly Example[]
    /** Number of steps between evaluations; the last step is always followed by one. */
    every: number
    /** The run stops after this many consecutive evaluations without a lower loss. */
    patience?: number
  }
}

export interface StepReport extends StepResult {
  /** Number of the current pass, from 0. */
  epoch: number
  /** Number of all steps of the plan. */
  steps: number
  milliseconds: number
  evaluation?: Loss
}

/** The progress of a run; together with the state of the trainer it is enough to continue the run exactly. */
export interface Progress {
  epoch: number
  /** Number of examples of this epoch that were used. */
  used: number
  bestLoss: number | null
  evaluationsWithoutGain: number
  stopped: boolean
  /** What a run must have in common with the run that it continues. */
  plan: { objective: string; seed: number; examples: number; batchSize: number; steps: number }
}

export interface TrainingCheckpoint {
  /** What the result of the run depends on (`runIdentity`); undefined in checkpoints of earlier releases. */
  identity?: string
  progress: Progress
  state: TrainerState
  /** Only of a BestModelRun. */
  selection?: ModelSelection
}

/** The best model of a run so far. */
export interface ModelSelection {
  /** The last step whose model was judged. */
  judgedStep: number
  best: { step: number; score: number; parameters: Weights } | null
}

/** A run that can be saved and continued: supervised, preferences or policy. */
export interface ResumableRun<Report> {
  start(signal?: AbortSignal): AsyncGenerator<Report, void, undefined>
  checkpoint(): Promise<TrainingCheckpoint>
  restore(checkpoint: TrainingCheckpoint): void
}

/**
 * Executes a plan, with one report per step. The seed of the trainer determines the order of the examples. An abort throws
 * the reason of the signal between two micro-batches; the run can be started again, or saved with `checkpoint` and
 * continued in another process with bit-identical results.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { smallConfig } from '#engine/model/config.ts'
 * import { initialWeights } from '#engine/model/parameters.ts'
 * import { TrainingRun } from '#engine/train/run.ts'
 * import { supervised } from '#engine/train/supervised.ts'
 * import { Trainer } from '#engine/train/trainer.ts'
 *
 * const config = smallConfig({ vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
 * const trainer = new Trainer({ config, weights: initialWeights(config, 1), objective: supervised, seed: 1 })
 * const examples = [{ ids: [1, 2, 3, 4], mask: [1, 1, 1, 1] }]
 * const losses: number[] = []
 * for await (const { loss } of new TrainingRun(trainer, { examples, batchSize: 1, steps: 5, learningRate: 1e-2 }).start())
 *   losses.push(loss)
 * assert.ok((losses.at(-1) ?? 0) < (losses[0] ?? 0))
 * await trainer.release()
 * ```
 */
export class TrainingRun<Example> implements ResumableRun<StepReport> {
  readonly steps: number
  private readonly learningRate: Schedule
  private progress: Progress

  constructor(
    readonly trainer: Trainer<Example>,
    readonly plan: TrainingPlan<Example>,
  ) {
    const { examples, batchSize } = plan
    if (examples.length === 0) throw new TrainingError('The plan has no examples.')
    if (!(Number.isInteger(batchSize) && batchSize > 0))
      throw new TrainingError(`batchSize is ${batchSize}; it must be a whole number of at least 1.`)
    this.steps = stepsOf(plan)
    examples.forEach((example, index) => {
      try {
        trainer.check(example)
      } catch (cause) {
        throw new TrainingError(`Example ${index}: ${(cause as Error).message}`, { cause })
      }
    })
    this.learningRate = typeof plan.learningRate === 'number' ? schedule(plan.learningRate) : plan.learningRate
    this.progress = {
      epoch: 0,
      used: 0,
      bestLoss: null,
      evaluationsWithoutGain: 0,
      stopped: false,
      plan: {
        objective: trainer.objective.name,
        seed: trainer.seed,
        examples: examples.length,
        batchSize,
        steps: this.steps,
      },
    }
  }

  async *start(signal?: AbortSignal): AsyncGenerator<StepReport, void, undefined> {
    const { trainer, plan, steps } = this
    let order = this.order(this.progress.epoch)
    while (trainer.step < steps && !this.progress.stopped) {
      signal?.throwIfAborted()
      if (this.progress.used >= order.length) {
        this.progress = { ...this.progress, epoch: this.progress.epoch + 1, used: 0 }
        order = this.order(this.progress.epoch)
      }
      const { epoch, used } = this.progress
      const chosen = order.slice(used, used + plan.batchSize)
      const begin = performance.now()
      const learningRate = learningRateAt(this.learningRate, trainer.step + 1, steps)
      const mixed = mixedIn(plan.supervised, trainer.seed, trainer.step)
      const result = await trainer.apply(chosen, learningRate, signal, mixed)
      this.progress = { ...this.progress, used: used + chosen.length }
      const evaluation = await this.evaluate(signal)
      yield {
        ...result,
        epoch,
        steps,
        milliseconds: performance.now() - begin,
        ...(evaluation && { evaluation }),
      }
    }
  }

  /** The examples in the order of an epoch. */
  private order(epoch: number): Example[] {
    const { examples } = this.plan
    const order = new Random(`${this.trainer.seed}/order/${epoch}`).permutation(examples.length)
    return Array.from(order, (index) => examples[index] as Example) // a permutation has only valid indices
  }

  private async evaluate(signal?: AbortSignal): Promise<Loss | undefined> {
    const { trainer, plan, steps } = this
    const { step } = trainer
    if (!plan.evaluation || (step % plan.evaluation.every !== 0 && step !== steps)) return undefined
    const { examples, patience = Number.POSITIVE_INFINITY } = plan.evaluation
    const found = await trainer.evaluate(examples, signal)
    const { bestLoss, evaluationsWithoutGain } = this.progress
    const better = bestLoss === null || found.loss < bestLoss
    const without = better ? 0 : evaluationsWithoutGain + 1
    this.progress = {
      ...this.progress,
      bestLoss: better ? found.loss : bestLoss,
      evaluationsWithoutGain: without,
      stopped: without >= patience,
    }
    return found
  }

  async checkpoint(): Promise<TrainingCheckpoint> {
    return { progress: structuredClone(this.progress), state: await this.trainer.state() }
  }

  /** Continues a saved run. @throws TrainingError when that run had another plan. */
  restore({ progress, state }: TrainingCheckpoint): void {
    for (const [key, own] of Object.entries(this.progress.plan)) {
      const saved = progress.plan[key as keyof Progress['plan']]
      if (saved !== own)
        throw new TrainingError(`The checkpoint belongs to a run with ${key} ${saved}; this run has ${own}.`)
    }
    this.trainer.restore(state)
    this.progress = structuredClone(progress)
  }
}

function stepsOf({ examples, batchSize, epochs, steps }: TrainingPlan<unknown>): number {
  if (epochs !== undefined && steps === undefined) return Math.ceil(examples.length / batchSize) * epochs
  if (steps !== undefined && epochs === undefined) return steps
  throw new TrainingError('A plan must have either epochs or steps, and not both.')
}
