// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { CountSketch } from '#engine/stats/countSketch.ts'
import { countLearned, type TokenRow } from '#engine/train/rows.ts'
import type { ExampleGradients } from './gradients.ts'

/** The gradients of all examples with respect to one weight of the adapter, one row per example. */
export interface GradientBlock {
  /** Length of a row. */
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
  /** Reports how many of all gradients are computed. */
  onProgress?(done: number, all: number): void
  /** Receives the gradient of every training example, in any order, for example to store a sketch. */
  onGradient?(index: number, parts: readonly Float32Array[]): void
  /**
   * For each validation example, the same question with a wrong answer: `CONTRAST` times its gradient is subtracted. The
   * difference shows how a training example affects the right answer rather than any answer of this form.
   */
  against?: readonly WeightedRow[]
  /** Maximum count of numbers in memory; above it, the gradients of each weight are sketched. Default 2^28 (1 GiB). */
  maxNumbers?: number
}

/**
 * The factor of a wrong answer's gradient that is subtracted from the right one's. At 0, the effect of an example on wording
 * and length hides its effect on the answer; at 1, the larger gradients of wrong answers add more noise.
 */
export const CONTRAST = 0.5

/** In a narrower sketch the noise would exceed the products. */
const MIN_WIDTH = 256

/** The gradients of all examples, one block per weight of the adapter. */
export async function gradientBlocks(
  gradients: ExampleGradients,
  training: readonly WeightedRow[],
  validation: readonly WeightedRow[],
  { signal, onProgress, onGradient, against = [], maxNumbers = 2 ** 28 }: GradientOptions = {},
): Promise<GradientBlock[]> {
  if (training.length === 0 || validation.length === 0)
    throw new Error('Influence needs at least one training and one validation example.')
  if (against.length > 0 && against.length !== validation.length)
    throw new Error(
      `${validation.length} validation examples have ${against.length} wrong answers; give one for each example.`,
    )
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

/** Scales losses as in training, where every learned token has the same weight: a longer example has more weight, one of average length has 1. */
export function scaleOf(rows: readonly WeightedRow[]): (index: number) => number {
  const average = rows.reduce((sum, row) => sum + countLearned(row), 0) / rows.length
  return (index) => (rows[index]!.weight ?? 1) / average
}

/** A projection for each weight if the full gradients would not fit in memory; an empty list otherwise. */
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
