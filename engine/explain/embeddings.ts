// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { Weights } from '#engine/formats/weights.ts'
import {
  DeviceTensors,
  div,
  input,
  matmul,
  maximum,
  mul,
  onnxRuntime,
  ProgramCache,
  reshape,
  sum,
} from '#engine/graph/index.ts'
import { bucketLength } from '#engine/model/buckets.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { adapterInputs, feedsOf, idInput, weightInputs } from '#engine/model/inputs.ts'
import { forward } from '#engine/model/llama.ts'
import type { LoraConfig } from '#engine/model/lora.ts'

const BATCH = 8

interface EmbeddedModel {
  config: ModelConfig
  weights: Weights
  /** Of the adapters that texts are embedded with. */
  lora?: LoraConfig
}

/** Tokens, and 1 for each that counts. */
interface EmbeddedRow {
  ids: ArrayLike<number>
  mask: ArrayLike<number>
}

/** Embeds texts: the mean of the last layer's hidden states, after the last norm, over the tokens whose mask is 1. */
export class Embedder {
  private readonly runner = onnxRuntime()
  private readonly weights: DeviceTensors
  /** By the length of their rows; for one row, by its negative. */
  private readonly programs: ProgramCache<number, 'embedding'>

  constructor(private readonly model: EmbeddedModel) {
    this.weights = new DeviceTensors(this.runner, feedsOf(model.weights))
    this.programs = new ProgramCache((key) => this.runner.compile(this.graph(key < 0 ? 1 : BATCH, Math.abs(key))))
  }

  private graph(rows: number, length: number) {
    const { config, lora } = this.model
    const weights = weightInputs(config)
    const adapter = lora && { lora, weights: adapterInputs(config, lora) }
    const ids = idInput(config, rows, length)
    const mask = input('mask', [rows, length])
    const { hidden } = forward(config, { weights, ids, adapter }) // (B,T,D)
    const pooled = matmul(reshape(mask, [rows, 1, length]), hidden) // (B,1,D)
    const counts = reshape(maximum(sum(mask, [1]), 1), [rows, 1, 1])
    return {
      inputs: [ids, mask, ...weights.values(), ...(adapter?.weights.values() ?? [])],
      outputs: { embedding: reshape(mul(pooled, div(1, counts)), [rows, config.hidden_size]) },
    }
  }

  /** One vector for each row, in order. Between two batches, others may run. */
  async embed(
    rows: readonly EmbeddedRow[],
    adapter: Weights | undefined,
    signal?: AbortSignal,
  ): Promise<Float32Array[]> {
    const feeds = { ...(await this.weights.get()), ...(adapter && feedsOf(adapter)) }
    const { hidden_size: D, max_position_embeddings: room } = this.model.config
    const found = new Array<Float32Array>(rows.length)
    const order = Array.from(rows.keys()).sort((a, b) => rows[a]!.ids.length - rows[b]!.ids.length || a - b)
    for (let from = 0; from < order.length; from += BATCH) {
      signal?.throwIfAborted()
      const chosen = order.slice(from, from + BATCH)
      const length = bucketLength(rows[chosen.at(-1)!]!.ids.length, room)
      const batch = chosen.length === 1 ? 1 : BATCH
      const ids = new Int32Array(batch * length)
      const mask = new Float32Array(batch * length)
      chosen.forEach((index, row) => {
        ids.set(Array.from(rows[index]!.ids), row * length)
        mask.set(Array.from(rows[index]!.mask), row * length)
      })
      const program = await this.programs.get(batch === 1 ? -length : length)
      const results = await program.run({ ...feeds, ids, mask })
      chosen.forEach((index, row) => {
        found[index] = results.embedding.floats.slice(row * D, (row + 1) * D)
      })
      await new Promise((resolve) => setImmediate(resolve))
    }
    return found
  }

  async release(): Promise<void> {
    await this.programs.release()
    await this.weights.release()
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
