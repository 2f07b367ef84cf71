import { Random } from '#engine/stats/random.ts'
import { learningRateAt, type Schedule, schedule } from './schedule.ts'
import { type Loss, type StepResult, type Trainer, type TrainerState, TrainingError } from './trainer.ts'

/** What to train on and for how long. */
export interface TrainingPlan<Example> {
  examples: readonly Example[]
  /** Examples per update; more than the trainer's micro-batch accumulates gradients. */
  batchSize: number
  /** Passes over the examples; or give `steps`. */
  epochs?: number
  steps?: number
  /** A schedule, or the peak of the default one (cosine to 0, no warm-up). */
  learningRate: Schedule | number
  evaluation?: {
    examples: readonly Example[]
    /** Evaluates after every so many steps, and after the last. */
    every: number
    /** Stops after this many evaluations in a row without a lower loss. */
    patience?: number
  }
}

export interface StepReport extends StepResult {
  /** Passes begun, from 0. */
  epoch: number
  /** All steps of the plan. */
  steps: number
  milliseconds: number
  evaluation?: Loss
}

/** Where a run stands: enough, with the trainer's state, to continue it exactly. */
export interface Progress {
  epoch: number
  /** Examples of this epoch already used. */
  used: number
  bestLoss: number | null
  evaluationsWithoutGain: number
  stopped: boolean
  /** What a run must share with the one it continues. */
  plan: { objective: string; seed: number; examples: number; batchSize: number; steps: number }
}

export interface TrainingCheckpoint {
  progress: Progress
  state: TrainerState
}

/**
 * Carries out a plan, one report per step:
 *
 *     for await (const { step, loss } of new TrainingRun(trainer, plan).start(signal)) …
 *
 * The order of examples follows from the trainer's seed. An abort throws the signal's reason between two
 * micro-batches; the run can be started again, or saved with `checkpoint` and continued elsewhere to the same bytes.
 */
export class TrainingRun<Example> {
  readonly steps: number
  private readonly learningRate: Schedule
  private progress: Progress

  constructor(
    readonly trainer: Trainer<Example>,
    readonly plan: TrainingPlan<Example>,
  ) {
    const { examples, batchSize, epochs, steps } = plan
    if (examples.length === 0) throw new TrainingError('There is nothing to train on: the plan has no examples.')
    if (!(Number.isInteger(batchSize) && batchSize > 0))
      throw new TrainingError(`A batch holds a whole number of examples from 1, not ${batchSize}.`)
    if ((epochs === undefined) === (steps === undefined))
      throw new TrainingError('A plan names either epochs or steps, not both and not neither.')
    examples.forEach((example, index) => {
      try {
        trainer.check(example)
      } catch (cause) {
        throw new TrainingError(`Example ${index}: ${(cause as Error).message}`, { cause })
      }
    })
    this.steps = steps ?? Math.ceil(examples.length / batchSize) * epochs!
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
      const chosen = Array.from(order.subarray(used, used + plan.batchSize), (index) => plan.examples[index]!)
      const begin = performance.now()
      const result = await trainer.apply(chosen, learningRateAt(this.learningRate, trainer.step + 1, steps), signal)
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

  private order(epoch: number): Int32Array {
    return new Random(`${this.trainer.seed}/order/${epoch}`).permutation(this.plan.examples.length)
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

  /** Continues a saved run. Throws when that run had another plan: its end would not be this one's. */
  restore({ progress, state }: TrainingCheckpoint): void {
    for (const [key, mine] of Object.entries(this.progress.plan)) {
      const theirs = progress.plan[key as keyof Progress['plan']]
      if (theirs !== mine)
        throw new TrainingError(`The checkpoint's run had ${key} ${theirs}, this one has ${mine}; they must agree.`)
    }
    this.trainer.restore(state)
    this.progress = structuredClone(progress)
  }
}
