import { writeAdapter } from '#engine/formats/adapter.ts'
import { type LoraConfig, loraConfig } from '#engine/model/lora.ts'
import { TrainingRun } from '#engine/train/run.ts'
import { type Schedule, schedule } from '#engine/train/schedule.ts'
import { type SupervisedExample, supervised } from '#engine/train/supervised.ts'
import { Trainer } from '#engine/train/trainer.ts'
import { runWithCheckpoints } from './checkpoints.ts'
import { encodeRow, type TextPair } from './encode.ts'
import { adapterOf, type BaseModel, loadAdapter, loadBase } from './models.ts'
import { type TaskContext, TaskError } from './task.ts'

export interface TrainingSample extends TextPair {
  /** How far its annotator is trusted; 1 by default. */
  weight?: number
}

export interface FineTuneTaskInput {
  baseFolder: string
  /** Continues this adapter: its rank, scale and modules are then kept. */
  adapterFolder?: string
  samples: readonly TrainingSample[]
  /** Held out: their loss is reported after every epoch. */
  evalSamples?: readonly TrainingSample[]
  lora?: Partial<LoraConfig>
  training: {
    epochs: number
    batchSize: number
    learningRate: number
    /** Default cosine. */
    schedule?: Schedule['shape']
    /** Steps; default a twentieth of all. */
    warmup?: number
    /** Most tokens of a sample; default as many as the model reads. */
    maxLength?: number
    seed: number
  }
  /** Where the run is saved while it goes on, and continued from when the file exists. */
  checkpointFile?: string
  /** Seconds between saves. Default 5. */
  checkpointEvery?: number
  outFolder: string
  /** Where the adapter is left as it stood half-way, for `influence`. */
  halfwayFolder?: string
}

export interface FineTuneTaskResult {
  adapterFolder: string
  steps: number
  /** Mean loss a learned token over all samples, by the final weights. */
  finalLoss: number
  /** Tokens read in all epochs. */
  tokens: number
}

/** Trains an adapter on prompts and completions. A run that was killed and started again ends with the same bytes. */
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
    const stepsAnEpoch = Math.ceil(samples.length / batchSize)
    const run = new TrainingRun(trainer, {
      examples,
      batchSize,
      epochs,
      learningRate: schedule(training.learningRate, {
        shape: training.schedule ?? 'cosine',
        warmup: training.warmup ?? Math.ceil((stepsAnEpoch * epochs) / 20),
      }),
      ...(input.evalSamples?.length && {
        evaluation: { examples: toExamples(base, input.evalSamples, training.maxLength), every: stepsAnEpoch },
      }),
    })
    const checkpoint = { file: checkpointFile, every: input.checkpointEvery }
    const write = async (folder: string) =>
      writeAdapter(folder, adapterOf({ lora, weights: await trainer.parameters() }), { replace: true })
    for await (const { step, steps, loss, learningRate, evaluation } of runWithCheckpoints(run, checkpoint, signal)) {
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

/** Samples as rows of tokens. @throws TaskError naming the sample that cannot be used. */
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
