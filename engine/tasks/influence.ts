import { rename } from 'node:fs/promises'
import { type InfluenceEstimate, influences } from '#engine/explain/influence.ts'
import type { Weights } from '#engine/formats/weights.ts'
import type { LoraConfig } from '#engine/model/lora.ts'
import { CountSketch } from '#engine/stats/countSketch.ts'
import { SketchLog } from '#engine/stats/sketches.ts'
import type { TextPair } from './encode.ts'
import { type TrainingSample, toExamples } from './fineTune.ts'
import { type BaseModel, loadAdapter, loadBase } from './models.ts'
import { type TaskContext, TaskError } from './task.ts'

export interface InfluenceTaskInput {
  baseFolder: string
  adapterFolder: string
  /** Adapters from earlier checkpoints of the run, such as the half-way one; influence is averaged over all. */
  earlierAdapterFolders?: readonly string[]
  samples: readonly TrainingSample[]
  /** Further samples to measure, on which the adapter was not trained. They have no sketches. */
  others?: readonly TrainingSample[]
  validation: readonly TextPair[]
  maxLength?: number
  /** Where to write sketches of the samples' gradients, for the task `explainAnswer`. */
  sketchFile?: string
}

/** Dimensions of a sketch. The error of a product of sketches is about 1/64 of the product of the gradients' norms. */
export const SKETCH_DIMENSIONS = 4096

/** The projection for gradients of `length` numbers. It is the same for all models of one size; a sketch file stores its identity. */
export const gradientSketch = (length: number): CountSketch =>
  new CountSketch({ seed: 'gradients', length, dimensions: SKETCH_DIMENSIONS })

/**
 * Measures the influence of each training sample on the loss of the validation items by DataInf, compared with its influence
 * on the same items with wrong answers. A positive value means that the sample helps. The influences of `others` follow those of the samples.
 */
export async function influenceTask(
  input: InfluenceTaskInput,
  { emit, signal }: TaskContext,
): Promise<{ influences: InfluenceEstimate[] }> {
  const { samples, others = [], validation, maxLength, sketchFile } = input
  if (samples.length === 0) throw new TaskError('There are no samples to measure; give the adapter’s training samples.')
  if (validation.length === 0) throw new TaskError('There are no validation items to measure on; give at least two.')
  emit({ type: 'progress', done: 0, stage: 'loading' })
  const base = await loadBase(input.baseFolder)
  const { lora, weights: adapter } = await loadAdapter(base, input.adapterFolder)
  const { config, weights } = base
  const earlierAdapters = await Promise.all(
    (input.earlierAdapterFolders ?? []).map((folder) => loadEarlier(base, lora, folder)),
  )
  const sketches = new Array<Float32Array>(samples.length)
  let sketch: CountSketch | undefined
  const found = await influences(
    { config, weights, lora, adapter },
    toExamples(base, [...samples, ...others], maxLength),
    toExamples(base, validation, maxLength),
    {
      signal,
      earlierAdapters,
      against: toExamples(base, mismatchedPairs(validation), maxLength),
      onProgress: (done, all) => {
        if (done % 16 === 0) emit({ type: 'progress', done: (0.9 * done) / all, stage: 'measuring' })
      },
      onGradient: (index, parts) => {
        if (sketchFile === undefined || index >= samples.length) return
        sketch ??= gradientSketch(parts.reduce((sum, part) => sum + part.length, 0))
        sketches[index] = sketch.project(parts)
      },
    },
  )
  if (sketchFile !== undefined && sketch) await writeSketches(sketchFile, sketch, sketches)
  emit({ type: 'progress', done: 1, stage: 'measured' })
  return { influences: found }
}

async function loadEarlier(base: BaseModel, lora: LoraConfig, folder: string): Promise<Weights> {
  const earlier = await loadAdapter(base, folder)
  if (JSON.stringify(earlier.lora) !== JSON.stringify(lora))
    throw new TaskError(`${folder} has another LoRA configuration than the adapter; give one of the same run.`)
  return earlier.weights
}

/** Each item with the answer of another item: of the one half the list away, or of the next with a different answer. Empty if all answers are equal. */
export function mismatchedPairs(items: readonly TextPair[]): TextPair[] {
  const apart = items.length >> 1
  return items.flatMap(({ prompt, completion }, index) => {
    for (let step = 0; step < items.length; step++) {
      const other = items[(index + apart + step) % items.length]
      if (other && other.completion !== completion) return [{ prompt, completion: other.completion }]
    }
    return []
  })
}

/** Writes the file atomically. */
async function writeSketches(path: string, projection: CountSketch, sketches: readonly Float32Array[]): Promise<void> {
  const partial = `${path}.partial`
  const log = await SketchLog.open(partial, projection)
  try {
    for (const each of sketches) await log.append(each)
  } finally {
    await log.close()
  }
  await rename(partial, path)
}
