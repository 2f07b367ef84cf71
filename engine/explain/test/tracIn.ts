// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { Weights } from '#engine/formats/weights.ts'
import { input, matmul, onnxRuntime, tensor } from '#engine/graph/index.ts'
import { type GradientBlock, type GradientOptions, gradientBlocks, type WeightedRow } from '../gradientBlocks.ts'
import { ExampleGradients, type ExplainedModel } from '../gradients.ts'
import { estimateInfluences, type InfluenceEstimate } from '../influence.ts'

/** A checkpoint of a training run. */
export interface PassedCheckpoint {
  adapter: Weights
  /** The learning rate with which training continued from here. */
  learningRate: number
}

/**
 * TracIn (Pruthi, Liu, Kale & Sundararajan, "Estimating training data influence by tracing gradient descent", 2020):
 * the sum over checkpoints of learning rate × ⟨gradient of the validation example, gradient of the training example⟩. It
 * estimates how much training on the example lowered the loss of the validation example. A positive value means that it helps.
 */
export async function tracIn(
  model: Omit<ExplainedModel, 'adapter'>,
  checkpoints: readonly PassedCheckpoint[],
  training: readonly WeightedRow[],
  validation: readonly WeightedRow[],
  options: GradientOptions = {},
): Promise<InfluenceEstimate[]> {
  if (checkpoints.length === 0) throw new Error('TracIn needs at least one checkpoint of the run.')
  const { runner = onnxRuntime() } = model
  const [N, M] = [training.length, validation.length]
  const sums = Array.from({ length: M }, () => new Float64Array(N))
  const gradients = new ExampleGradients({ ...model, adapter: checkpoints[0]!.adapter, runner })
  try {
    for (const { adapter, learningRate } of checkpoints) {
      gradients.setAdapter(adapter)
      for (const block of await gradientBlocks(gradients, training, validation, options)) {
        const found = await products(block)
        for (let at = 0; at < found.length; at++) sums[Math.floor(at / N)]![at % N]! += learningRate * found[at]!
      }
    }
  } finally {
    await gradients.release()
  }
  if (sums.some((row) => row.some((value) => !Number.isFinite(value))))
    throw new Error('An influence is not finite: a gradient is wrong.')
  return estimateInfluences(sums, N)

  /** (M,N) */
  async function products({ width, train, validation }: GradientBlock): Promise<Float32Array> {
    const [left, right] = [input('validation', [M, width]), input('train', [N, width])]
    const program = await runner.compile({
      inputs: [left, right],
      outputs: { products: matmul(left, right, { transposeB: true }) },
    })
    try {
      const results = await program.run({
        validation: tensor(validation, [M, width]),
        train: tensor(train, [N, width]),
      })
      return results.products.floats as Float32Array
    } finally {
      await program.release()
    }
  }
}
