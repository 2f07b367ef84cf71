import type { Weights } from '#engine/formats/weights.ts'
import { SequenceScorer } from '#engine/model/scorer.ts'
import { dpo, type PreferencePair, withReference } from '#engine/train/preference.ts'
import { TrainingRun } from '#engine/train/run.ts'
import { schedule } from '#engine/train/schedule.ts'
import { Trainer } from '#engine/train/trainer.ts'
import type { AlignTaskInput } from './alignInput.ts'
import { runWithCheckpoints } from './checkpoints.ts'
import { encodeRow } from './encode.ts'
import { toExamples } from './fineTune.ts'
import type { BaseModel, LoadedAdapter } from './models.ts'
import { runIdentity } from './runIdentity.ts'
import { stageContext, type TaskContext, TaskError } from './task.ts'
import { withValidation } from './validation.ts'

/** Direct preference optimisation (DPO): trains the policy on the pairs without a reward model. */
export async function alignDirectly(
  base: BaseModel,
  start: LoadedAdapter,
  input: AlignTaskInput,
  context: TaskContext,
): Promise<{ weights: Weights; metrics: Record<string, number> }> {
  const { method, pairs, samples = [], validation, training, checkpointFile, checkpointEvery } = input
  const { signal } = context
  const { config, weights } = base
  const { lora } = start
  const { steps, promptsPerStep: batchSize, beta, seed } = training
  const room = config.max_position_embeddings
  const rows = pairs.map(({ prompt, chosen, rejected, weight, noise }, index): PreferencePair => {
    try {
      const row = (completion: string) => encodeRow(base, { prompt, completion }, room)
      return { chosen: row(chosen), rejected: row(rejected), weight, noise }
    } catch (cause) {
      throw new TaskError(`Pair ${index}: ${(cause as Error).message}`, { cause })
    }
  })
  const reference = new SequenceScorer({ config, weights, lora, adapter: start.weights })
  const examples = await withReference(rows, reference, signal).finally(() => reference.release())
  const identity = runIdentity(base, start, { method, pairs, samples, validation, training })
  const microBatch = Math.min(batchSize, 8)
  const trainer = new Trainer({
    config,
    weights,
    lora,
    adapter: start.weights,
    objective: dpo({ beta }),
    supervisedWeight: training.supervisedWeight,
    seed,
    microBatch,
  })
  try {
    const learningRate = schedule(training.learningRate, { warmup: Math.ceil(steps / 10) })
    const supervised = { examples: toExamples(base, samples), perStep: batchSize }
    const { run, chosen } = await withValidation(
      new TrainingRun(trainer, { examples, batchSize, steps, learningRate, ...(samples.length > 0 && { supervised }) }),
      trainer,
      { base, start, input },
      (_, step) => step,
      context,
    )
    const { emit } = stageContext(context, 0.05, 0.95)
    for await (const { step, loss, metrics } of runWithCheckpoints(
      run,
      { file: checkpointFile, every: checkpointEvery, identity },
      context,
    )) {
      emit({ type: 'metric', name: 'loss', step, value: loss })
      for (const [name, value] of Object.entries(metrics)) emit({ type: 'metric', name, step, value })
      emit({ type: 'progress', done: step / steps, stage: 'learning from preferences' })
    }
    const { weights: parameters, step: chosenStep } = await chosen()
    trainer.restore({ ...(await trainer.state()), parameters })
    const { loss, metrics } = await trainer.evaluate(examples, signal)
    return { weights: parameters, metrics: { loss, ...metrics, chosenStep } }
  } finally {
    await trainer.release()
  }
}
