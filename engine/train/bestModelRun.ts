import type { Weights } from '#engine/formats/weights.ts'
import type { ModelSelection, ResumableRun, TrainingCheckpoint } from './run.ts'

/** How good the model of a step is. */
export interface ModelScore {
  /** Higher is better. */
  score: number
  /** Whether the model may be chosen. */
  isAdmissible: boolean
}

export interface SelectionPlan {
  /** Steps of the run. */
  steps: number
  /** Number of steps between judgements; the last step is always judged. */
  every: number
  /** Scores the parameters of a step. The same parameters must get the same score. */
  judge(parameters: Weights, step: number, signal?: AbortSignal): Promise<ModelScore>
}

/**
 * Early stopping afterwards: a run whose model is judged every few steps, and which keeps the admissible model with the highest score. It
 * goes on after an inadmissible one, because later ones, at a lower learning rate, may be admissible again. Saved and continued it chooses
 * the same model: the best so far is part of its checkpoint, and a step that an abort left unjudged is judged first.
 */
export class BestModelRun<Report> implements ResumableRun<Report> {
  private selection: ModelSelection = { judgedStep: 0, best: null }

  constructor(
    private readonly run: ResumableRun<Report>,
    private readonly trainer: { readonly step: number; parameters(): Promise<Weights> },
    private readonly plan: SelectionPlan,
  ) {}

  /** The admissible model with the highest score so far, the earliest of equals. */
  get best(): ModelSelection['best'] {
    return this.selection.best
  }

  async *start(signal?: AbortSignal): AsyncGenerator<Report, void, undefined> {
    await this.judgeIfDue(signal)
    for await (const report of this.run.start(signal)) {
      await this.judgeIfDue(signal)
      yield report
    }
  }

  private async judgeIfDue(signal?: AbortSignal): Promise<void> {
    const { step } = this.trainer
    const { steps, every, judge } = this.plan
    const { judgedStep, best } = this.selection
    if (step === judgedStep || (step % every !== 0 && step !== steps)) return
    signal?.throwIfAborted()
    const parameters = await this.trainer.parameters()
    const { score, isAdmissible } = await judge(parameters, step, signal)
    const isBetter = isAdmissible && (best === null || score > best.score)
    this.selection = { judgedStep: step, best: isBetter ? { step, score, parameters } : best }
  }

  async checkpoint(): Promise<TrainingCheckpoint> {
    return { ...(await this.run.checkpoint()), selection: this.selection }
  }

  restore(checkpoint: TrainingCheckpoint): void {
    this.run.restore(checkpoint)
    if (checkpoint.selection) this.selection = checkpoint.selection
  }
}
