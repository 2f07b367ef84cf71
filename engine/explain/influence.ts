import { onnxRuntime, type Runner } from '#engine/graph/index.ts'
import { estimateMean } from '#engine/stats/estimate.ts'
import { Projection } from '#engine/stats/projection.ts'
import { countLearned, type TokenRow } from '#engine/train/rows.ts'
import { DataInf, type GradientBlock } from './dataInf.ts'
import { ExampleGradients, type ExplainedModel } from './gradients.ts'

export interface Influence {
  /** Mean over the validation examples. Positive: the training example helps. */
  mean: number
  /** Of that mean, over the validation examples; 0 when there is only one. */
  standardError: number
}

export interface WeightedRow extends TokenRow {
  weight?: number
}

export interface InfluenceOptions {
  signal?: AbortSignal
  /** Examples whose gradient is known, of all. */
  onProgress?(done: number, all: number): void
  /** Is given every training example's gradient, in an order of its own, such as to keep a sketch. */
  onGradient?(index: number, parts: readonly Float32Array[]): void
  /** Numbers kept in memory at most; beyond, gradients of each weight are sketched. Default 2^28, which is 1 GiB. */
  room?: number
}

/** A narrower sketch would drown the products in noise. */
const LEAST_WIDTH = 256

/** The influence of every training example on the loss of the validation examples. */
export async function influences(
  model: ExplainedModel,
  training: readonly WeightedRow[],
  validation: readonly WeightedRow[],
  { signal, onProgress, onGradient, room = 2 ** 28 }: InfluenceOptions = {},
): Promise<Influence[]> {
  if (training.length === 0 || validation.length === 0)
    throw new Error('Influence needs at least one training and one validation example.')
  const runner: Runner = model.runner ?? onnxRuntime()
  const gradients = new ExampleGradients({ ...model, runner })
  const dataInf = new DataInf(runner)
  try {
    const all = training.length + validation.length
    const sketches = sketchesFor(gradients.sizes, all, room)
    const blocks: GradientBlock[] = gradients.sizes.map((size, place) => {
      const width = sketches[place]?.dimensions ?? size
      return {
        width,
        train: new Float32Array(training.length * width),
        validation: new Float32Array(validation.length * width),
      }
    })
    const fill = async (side: 'train' | 'validation', rows: readonly WeightedRow[], from: number) => {
      let done = from
      for await (const { index, parts } of gradients.of(rows, scaleOf(rows), signal)) {
        blocks.forEach((block, place) => {
          block[side].set(sketches[place]?.project(parts[place]!) ?? parts[place]!, index * block.width)
        })
        if (side === 'train') onGradient?.(index, parts)
        onProgress?.(++done, all)
      }
    }
    await fill('train', training, 0)
    await fill('validation', validation, training.length)
    const found = await dataInf.influences(blocks, signal)
    return summarise(found, training.length)
  } finally {
    await Promise.all([gradients.release(), dataInf.release()])
  }
}

/** As in training: every learned token counts equally, so a longer example pulls more. 1 for one of average length. */
export function scaleOf(rows: readonly WeightedRow[]): (index: number) => number {
  const average = rows.reduce((sum, row) => sum + countLearned(row), 0) / rows.length
  return (index) => (rows[index]!.weight ?? 1) / average
}

/** Mean and standard error over the rows of (M,N), for each column. */
export function summarise(found: readonly Float64Array[], count: number): Influence[] {
  return Array.from({ length: count }, (_, index) => {
    const { mean, standardError } = estimateMean(found.map((row) => row[index]!))
    return { mean, standardError: Number.isFinite(standardError) ? standardError : 0 }
  })
}

/** A projection for each weight where the whole gradients would not fit, else nothing. */
function sketchesFor(sizes: readonly number[], rows: number, room: number): (Projection | undefined)[] {
  const total = sizes.reduce((a, b) => a + b, 0)
  if (rows * total <= room) return []
  return sizes.map((length, place) => {
    const width = Math.max(LEAST_WIDTH, 2 * Math.floor((room / rows) * (length / total) * 0.5))
    return width >= length
      ? undefined
      : new Projection({ seed: `influence/${place}`, length, dimensions: Math.min(width, 65_536) })
  })
}
