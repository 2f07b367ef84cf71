import { CountSketch } from '#engine/stats/countSketch.ts'
import { countLearned, type TokenRow } from '#engine/train/rows.ts'
import type { ExampleGradients } from './gradients.ts'

/** Gradients with respect to one weight of the adapter, a row each. */
export interface GradientBlock {
  /** Numbers of a row. */
  width: number
  /** Training examples (N,width). */
  train: Float32Array
  /** Validation examples (M,width). */
  validation: Float32Array
}

export interface WeightedRow extends TokenRow {
  weight?: number
}

export interface GradientOptions {
  signal?: AbortSignal
  /** Examples whose gradient is known, of all. */
  onProgress?(done: number, all: number): void
  /** Is given every training example's gradient, in an order of its own, such as to keep a sketch. */
  onGradient?(index: number, parts: readonly Float32Array[]): void
  /**
   * For each validation example, the same question with a wrong answer: `CONTRAST` of its gradient is taken off. What
   * then remains is less how a training example moves any answer of this form and more how it moves the right one.
   */
  against?: readonly WeightedRow[]
  /** Numbers kept in memory at most; beyond, gradients of each weight are sketched. Default 2^28, which is 1 GiB. */
  maxNumbers?: number
}

/**
 * How much of a wrong answer's gradient is taken off the right one's. With none of it, what an example does to wording
 * and length drowns what it does to the answer; with all of it, the wrong answers' larger gradients bring more noise.
 */
export const CONTRAST = 0.5

/** A narrower sketch would drown the products in noise. */
const MIN_WIDTH = 256

/** The gradients of all examples, one block for each weight of the adapter. */
export async function gradientBlocks(
  gradients: ExampleGradients,
  training: readonly WeightedRow[],
  validation: readonly WeightedRow[],
  { signal, onProgress, onGradient, against = [], maxNumbers = 2 ** 28 }: GradientOptions = {},
): Promise<GradientBlock[]> {
  if (training.length === 0 || validation.length === 0)
    throw new Error('Influence needs at least one training and one validation example.')
  if (against.length > 0 && against.length !== validation.length)
    throw new Error(`${validation.length} validation examples have ${against.length} wrong answers; give one to each.`)
  const all = training.length + validation.length + against.length
  const sketches = sketchesFor(gradients.sizes, training.length + validation.length, maxNumbers)
  const blocks: GradientBlock[] = gradients.sizes.map((size, place) => {
    const width = sketches[place]?.dimensions ?? size
    return {
      width,
      train: new Float32Array(training.length * width),
      validation: new Float32Array(validation.length * width),
    }
  })
  let done = 0
  const add = async (side: 'train' | 'validation', rows: readonly WeightedRow[], factor = 1) => {
    const scale = scaleOf(rows)
    for await (const { index, parts } of gradients.stream(rows, (row) => factor * scale(row), signal)) {
      blocks.forEach((block, place) => {
        const part = sketches[place]?.project(parts[place]!) ?? parts[place]!
        const sums = block[side].subarray(index * block.width, (index + 1) * block.width)
        for (let i = 0; i < part.length; i++) sums[i]! += part[i]!
      })
      if (side === 'train') onGradient?.(index, parts)
      onProgress?.(++done, all)
    }
  }
  await add('train', training)
  await add('validation', validation)
  if (against.length > 0) await add('validation', against, -CONTRAST)
  return blocks
}

/** As in training: every learned token counts equally, so a longer example pulls more. 1 for one of average length. */
export function scaleOf(rows: readonly WeightedRow[]): (index: number) => number {
  const average = rows.reduce((sum, row) => sum + countLearned(row), 0) / rows.length
  return (index) => (rows[index]!.weight ?? 1) / average
}

/** A projection for each weight where the whole gradients would not fit, else nothing. */
function sketchesFor(sizes: readonly number[], rows: number, room: number): (CountSketch | undefined)[] {
  const total = sizes.reduce((a, b) => a + b, 0)
  if (rows * total <= room) return []
  return sizes.map((length, place) => {
    const width = Math.max(MIN_WIDTH, 2 * Math.floor((room / rows) * (length / total) * 0.5))
    return width >= length
      ? undefined
      : new CountSketch({ seed: `influence/${place}`, length, dimensions: Math.min(width, 65_536) })
  })
}
