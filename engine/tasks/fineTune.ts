import { writeAdapter } from '#engine/formats/adapter.ts'
import { type LoraConfig, loraConfig } from '#engine/model/lora.ts'
import { TrainingRun } from '#engine/train/run.ts'
import { type Schedule, schedule } from '#engine/train/schedule.ts'
import { type SupervisedExample, supervised } from '#engine/train/supervised.ts'
import { Trainer } from '#engine/train/trainer.ts'
import { runWithCheckpoints } from './checkpoints.ts'
import { encodeRow, type TextPair } from './encode.ts'
import { adapterOf, type BaseModel, loadAdapter, loadBase } from './models.ts'
import { runIdentity } from './runIdentity.ts'
import { type TaskContext, TaskError } from './task.ts'

export interface TrainingSample extends TextPair {
  /** Weight of its loss, for example the trust in its annotator. Default 1. */
  weight?: number
}

export interface FineTuneTaskInput {
  baseFolder: string
  /** The adapter to continue, with its rank, scale and modules. */
  adapterFolder?: string
  samples: readonly TrainingSample[]
  /** Held-out samples; their loss is reported after every epoch. */
  evalSamples?: readonly TrainingSample[]
  lora?: Partial<LoraConfig>
  training: {
    epochs: number
    batchSize: number
    learningRate: number
    /** Shape of the learning-rate schedule. Default cosine. */
    schedule?: Schedule['shape']
    /** Warm-up steps. Default 5 % of all steps. */
    warmup?: number
    /** Maximum number of tokens per sample. Default: the model's context length. */
    maxLength?: number
    seed: number
  }
  /** The checkpoint file: the run is saved there regularly, and resumes from it if it exists. */
  checkpointFile?: string
  /** Seconds between saves. Default 5. */
  checkpointEvery?: number
  outFolder: string
  /** Where to write the adapter of the half-way step, for the task `influence`. */
  halfwayFolder?: string
}

export interface FineTuneTaskResult {
  adapterFolder: string
  steps: number
  /** Mean loss per learned token over all samples, with the final weights. */
  finalLoss: number
  /** Number of tokens read in all epochs. */
  tokens: number
}

/** Trains an adapter on prompts and completions. A run that was killed and restarted produces the same bytes. */
export async function fineTuneTask(
  input: FineTuneTaskInput,
  { emit, signal }: TaskContext,
): Promise<FineTuneTaskResult> {
  const { samples, training, checkpointFile, outFolder, halfwayFolder } = input
  if (samples.length === 0) throw new TaskError('There are no samples to train on; give at least one.')
  emit({ type: 'progress', done: 0, stage: 'loading' })
  const base = await loadBase(input.baseFolder)
  const parent = input.adapterFolder === undefined ? undefined : await loadAdapter(base, input.adapterFolder)
  const lora = parent?.lora ?? loraConfig(input.lora)
  const examples = toExamples(base, samples, training.maxLength)
  const { epochs, batchSize, seed } = training
  const trainer = new Trainer({
    config: base.config,
    weights: base.weights,
    lora,
    adapter: parent?.weights,
    objective: supervised,
    seed,
    microBatch: Math.min(batchSize, 16),
  })
  try {
    const stepsPerEpoch = Math.ceil(samples.length / batchSize)
    const run = new TrainingRun(trainer, {
      examples,
      batchSize,
      epochs,
      learningRate: schedule(training.learningRate, {
        shape: training.schedule ?? 'cosine',
        warmup: training.warmup ?? Math.ceil((stepsPerEpoch * epochs) / 20),
      }),
      ...(input.evalSamples?.length && {
        evaluation: { examples: toExamples(base, input.evalSamples, training.maxLength), every: stepsPerEpoch },
      }),
    })
    const { checkpointEvery: every, evalSamples = [] } = input
    const identity = runIdentity(base, parent, { lora, samples, evalSamples, training })
    const checkpoint = { file: checkpointFile, every, identity }
    const write = async (folder: string) =>
      writeAdapter(folder, adapterOf({ lora, weights: await trainer.parameters() }), { replace: true })
    for await (const { step, steps, loss, learningRate, evaluation } of runWithCheckpoints(run, checkpoint, {
      signal,
      emit,
    })) {
      emit({ type: 'metric', name: 'loss', step, value: loss })
      emit({ type: 'metric', name: 'learningRate', step, value: learningRate })
      if (evaluation) emit({ type: 'metric', name: 'evalLoss', step, value: evaluation.loss })
      if (halfwayFolder !== undefined && step === Math.ceil(steps / 2)) await write(halfwayFolder)
      emit({ type: 'progress', done: (0.95 * step) / steps, stage: 'training' })
    }
    emit({ type: 'progress', done: 0.95, stage: 'measuring' })
    const { loss: finalLoss } = await trainer.evaluate(examples, signal)
    await write(outFolder)
    emit({ type: 'progress', done: 1, stage: 'trained' })
    const tokens = epochs * examples.reduce((sum, { ids }) => sum + ids.length, 0)
    return { adapterFolder: outFolder, steps: run.steps, finalLoss, tokens }
  } finally {
    await trainer.release()
  }
}

/** Samples as rows of tokens. @throws TaskError that names an invalid sample. */
export function toExamples(
  base: BaseModel,
  samples: readonly TrainingSample[],
  maxLength?: number,
): SupervisedExample[] {
  const room = base.config.max_position_embeddings
  const limit = Math.min(maxLength ?? room, room)
  if (limit < 2) throw new TaskError(`maxLength is ${maxLength}; a sample needs at least 2 tokens.`)
  return samples.map((sample, index) => {
    try {
      const { weight } = sample
      return { ...encodeRow(base, sample, limit), ...(weight !== undefined && { weight }) }
    } catch (cause) {
      throw new TaskError(`Sample ${index}: ${(cause as Error).message}`, { cause })
    }
  })
}
