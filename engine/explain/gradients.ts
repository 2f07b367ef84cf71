// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { Weights } from '#engine/formats/weights.ts'
import {
  type GraphRunner,
  grad,
  input,
  mul,
  neg,
  onnxRuntime,
  ProgramCache,
  reshape,
  sum,
  type Tensor,
} from '#engine/graph/index.ts'
import { bucketLength } from '#engine/model/buckets.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { tokenLogProbabilities } from '#engine/model/heads.ts'
import { adapterInputs, adapterPerRow, feedsOf, idInput, weightInputs } from '#engine/model/inputs.ts'
import { required } from '#engine/model/linear.ts'
import { forward } from '#engine/model/llama.ts'
import { adapterShapes, type LoraConfig } from '#engine/model/lora.ts'
import { checkRow, rowFeeds, rowLength, type TokenRow } from '#engine/train/rows.ts'

export interface ExplainedModel {
  config: ModelConfig
  weights: Weights
  lora: LoraConfig
  adapter: Weights
  runner?: GraphRunner
  /** Rows per run. Default 8. */
  batch?: number
}

export interface RowGradient {
  /** Index of the row. */
  index: number
  /** The gradient with respect to every adapter weight, in the order of `names`; valid until the next iteration. */
  parts: Float32Array[]
}

/**
 * Per-example gradients with respect to an adapter. The graph has a copy of the adapter for every row of a batch, so the
 * separate gradients of all rows cost as much as one training step.
 */
export class ExampleGradients {
  /** Names of the adapter's weights, in the order of the network. */
  readonly names: readonly string[]
  /** Number of elements of each. */
  readonly sizes: readonly number[]
  private readonly batch: number
  private feeds: Record<string, Tensor>
  private readonly programs: ProgramCache<number>

  constructor(private readonly model: ExplainedModel) {
    const { config, weights, lora, adapter, runner = onnxRuntime(), batch = 8 } = model
    const shapes = adapterShapes(config, lora)
    this.names = [...shapes.keys()]
    this.sizes = Array.from(shapes.values(), (shape) => shape.reduce((a, b) => a * b, 1))
    this.batch = batch
    this.feeds = { ...feedsOf(weights), ...feedsOf(adapter) }
    this.programs = new ProgramCache((length) => runner.compile(this.graph(length)), 16)
  }

  /** Replaces the adapter by one of the same shapes; compiled programs stay valid. */
  setAdapter(adapter: Weights): void {
    this.feeds = { ...this.feeds, ...feedsOf(adapter) }
  }

  private graph(length: number) {
    const { config, lora } = this.model
    const B = this.batch
    const weights = weightInputs(config)
    const adapter = adapterInputs(config, lora)
    const copies = adapterPerRow(adapter, B)
    const [ids, targets] = [idInput(config, B, length), idInput(config, B, length, 'targets')]
    const coefficients = input('coefficients', [B, length])
    const { hidden } = forward(config, { weights, ids, adapter: { lora, weights: copies } })
    const logProbabilities = tokenLogProbabilities(config, weights, hidden, targets) // (B,T)
    const loss = reshape(sum(neg(mul(logProbabilities, coefficients))), [])
    const gradients = grad(
      loss,
      this.names.map((name) => required(copies, name)),
    )
    return {
      inputs: [ids, targets, coefficients, ...weights.values(), ...adapter.values()],
      outputs: Object.fromEntries(gradients.map((each, place) => [`g.${place}`, each])),
    }
  }

  /**
   * Streams the gradient of every row's loss, ordered by length. The loss is the sum of the negative log-probabilities of the
   * row's learned tokens, times `scaleOf(index)`.
   */
  async *stream(
    rows: readonly TokenRow[],
    scaleOf: (index: number) => number = () => 1,
    signal?: AbortSignal,
  ): AsyncGenerator<RowGradient, void, undefined> {
    for (const row of rows) checkRow(row)
    const order = Array.from(rows.keys()).sort((a, b) => rowLength(rows[a]!) - rowLength(rows[b]!) || a - b)
    for (let from = 0; from < order.length; from += this.batch) {
      signal?.throwIfAborted()
      const chosen = order.slice(from, from + this.batch)
      const part = chosen.map((index) => rows[index]!)
      const length = bucketLength(Math.max(...part.map(rowLength)), this.model.config.max_position_embeddings)
      const program = await this.programs.get(length)
      const feeds = rowFeeds(part, this.batch, length, (_, row) => scaleOf(chosen[row]!))
      const results = await program.run({ ...this.feeds, ...feeds })
      for (const [row, index] of chosen.entries()) {
        const parts = this.sizes.map((size, place) =>
          results[`g.${place}`]!.floats.subarray(row * size, (row + 1) * size),
        )
        yield { index, parts }
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  release(): Promise<void> {
    return this.programs.release()
  }
}
