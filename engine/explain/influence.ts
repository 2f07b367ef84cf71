// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { Weights } from '#engine/formats/weights.ts'
import { onnxRuntime } from '#engine/graph/index.ts'
import { estimateMean } from '#engine/stats/estimate.ts'
import { DataInf } from './dataInf.ts'
import { type GradientOptions, gradientBlocks, type WeightedRow } from './gradientBlocks.ts'
import { ExampleGradients, type ExplainedModel } from './gradients.ts'

export interface InfluenceEstimate {
  /** Mean over the validation examples. A positive value means that the training example helps. */
  mean: number
  /** Standard error of that mean; 0 when there is only one validation example. */
  standardError: number
}

export interface InfluenceOptions extends GradientOptions {
  /** Adapters from earlier checkpoints of the same training run. */
  earlierAdapters?: readonly Weights[]
}

/** For every training example, mean and standard error of its `influenceMatrix` column over the validation examples. */
export async function influences(
  model: ExplainedModel,
  training: readonly WeightedRow[],
  validation: readonly WeightedRow[],
  options: InfluenceOptions = {},
): Promise<InfluenceEstimate[]> {
  return estimateInfluences(await influenceMatrix(model, training, validation, options), training.length)
}

/**
 * The influence of every training example on the loss of each validation example (M,N) by DataInf, averaged over the adapter
 * and the earlier checkpoints. At the end of training an example is partly memorised, so its gradient is mostly noise; the
 * noise of different checkpoints is independent (Park et al., "TRAK: attributing model behavior at scale", 2023).
 */
export async function influenceMatrix(
  model: ExplainedModel,
  training: readonly WeightedRow[],
  validation: readonly WeightedRow[],
  { earlierAdapters = [], onProgress, onGradient, ...options }: InfluenceOptions = {},
): Promise<Float64Array[]> {
  const { runner = onnxRuntime() } = model
  const adapters = [...earlierAdapters, model.adapter]
  const gradients = new ExampleGradients({ ...model, runner })
  const dataInf = new DataInf(runner)
  try {
    const sums = validation.map(() => new Float64Array(training.length))
    for (const [place, adapter] of adapters.entries()) {
      gradients.setAdapter(adapter)
      const blocks = await gradientBlocks(gradients, training, validation, {
        ...options,
        onProgress: onProgress && ((done, all) => onProgress(place * all + done, adapters.length * all)),
        ...(adapter === model.adapter && { onGradient }),
      })
      for (const [m, row] of (await dataInf.influences(blocks, options.signal)).entries())
        for (let n = 0; n < row.length; n++) sums[m]![n]! += row[n]! / adapters.length
    }
    return sums
  } finally {
    await Promise.all([gradients.release(), dataInf.release()])
  }
}

/** Mean and standard error over the rows of (M,N), for each column. */
export function estimateInfluences(found: readonly Float64Array[], count: number): InfluenceEstimate[] {
  return Array.from({ length: count }, (_, index) => {
    const { mean, standardError } = estimateMean(found.map((row) => row[index]!))
    return { mean, standardError: Number.isFinite(standardError) ? standardError : 0 }
  })
}
