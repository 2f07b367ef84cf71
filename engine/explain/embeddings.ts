// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { Weights } from '#engine/formats/weights.ts'
import {
  div,
  input,
  matmul,
  maximum,
  mul,
  onnxRuntime,
  ProgramCache,
  reshape,
  sum,
  type Tensor,
} from '#engine/graph/index.ts'
import { bucketLength } from '#engine/model/buckets.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { adapterInputs, feedsOf, idInput, weightInputs } from '#engine/model/inputs.ts'
import { forward } from '#engine/model/llama.ts'
import type { LoraConfig } from '#engine/model/lora.ts'

const BATCH = 8

/** Embeds texts: the mean of the last layer's hidden states over the tokens whose mask is 1. */
export class Embedder {
  private readonly feeds: Record<string, Tensor>
  private readonly programs: ProgramCache<number, 'embedding'>

  constructor(private readonly model: { config: ModelConfig; weights: Weights; lora: LoraConfig; adapter: Weights }) {
    this.feeds = { ...feedsOf(model.weights), ...feedsOf(model.adapter) }
    const runner = onnxRuntime()
    this.programs = new ProgramCache((length) => runner.compile(this.graph(length)))
  }

  private graph(length: number) {
    const { config, lora } = this.model
    const weights = weightInputs(config)
    const adapter = adapterInputs(config, lora)
    const ids = idInput(config, BATCH, length)
    const mask = input('mask', [BATCH, length])
    const { hidden } = forward(config, { weights, ids, adapter: { lora, weights: adapter } }) // (B,T,D)
    const pooled = matmul(reshape(mask, [BATCH, 1, length]), hidden) // (B,1,D)
    const counts = reshape(maximum(sum(mask, [1]), 1), [BATCH, 1, 1])
    return {
      inputs: [ids, mask, ...weights.values(), ...adapter.values()],
      outputs: { embedding: reshape(mul(pooled, div(1, counts)), [BATCH, config.hidden_size]) },
    }
  }

  /** One vector for each row, in order. */
  async embed(
    rows: readonly { ids: ArrayLike<number>; mask: ArrayLike<number> }[],
    signal?: AbortSignal,
  ): Promise<Float32Array[]> {
    const { hidden_size: D, max_position_embeddings: room } = this.model.config
    const found = new Array<Float32Array>(rows.length)
    const order = Array.from(rows.keys()).sort((a, b) => rows[a]!.ids.length - rows[b]!.ids.length || a - b)
    for (let from = 0; from < order.length; from += BATCH) {
      signal?.throwIfAborted()
      const chosen = order.slice(from, from + BATCH)
      const length = bucketLength(rows[chosen.at(-1)!]!.ids.length, room)
      const ids = new Int32Array(BATCH * length)
      const mask = new Float32Array(BATCH * length)
      chosen.forEach((index, row) => {
        ids.set(Array.from(rows[index]!.ids), row * length)
        mask.set(Array.from(rows[index]!.mask), row * length)
      })
      const results = await (await this.programs.get(length)).run({ ...this.feeds, ids, mask })
      chosen.forEach((index, row) => {
        found[index] = results.embedding.floats.slice(row * D, (row + 1) * D)
      })
      await new Promise((resolve) => setImmediate(resolve))
    }
    return found
  }

  release(): Promise<void> {
    return this.programs.release()
  }
}

/**
 * Cosine similarity of the query to each vector, after the mean of the vectors is subtracted: the hidden states of a model
 * have a large common component without information (Ethayarajh, "How contextual are contextualized word
 * representations?", 2019).
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { centredSimilarities } from '#engine/explain/embeddings.ts'
 *
 * const vectors = [Float32Array.of(10, 1), Float32Array.of(10, -1)]
 * assert.deepEqual(centredSimilarities(vectors, Float32Array.of(10, 2)), [1, -1])
 * ```
 */
export function centredSimilarities(vectors: readonly Float32Array[], query: Float32Array): number[] {
  const mean = new Float64Array(query.length)
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]! / vectors.length
  return vectors.map((vector) => {
    let [product, left, right] = [0, 0, 0]
    for (let i = 0; i < mean.length; i++) {
      const [a, b] = [vector[i]! - mean[i]!, query[i]! - mean[i]!]
      product += a * b
      left += a * a
      right += b * b
    }
    return left > 0 && right > 0 ? product / Math.sqrt(left * right) : 0
  })
}
