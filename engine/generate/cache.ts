import type { Results, Tensor } from '#engine/graph/index.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { cacheShape } from '#engine/model/inputs.ts'
import { zeros } from './adapters.ts'
import { cacheNames } from './step.ts'

/** The key-value cache of a batch on the host: (B,G,C,K) a layer for keys and for values. */
export class Cache {
  private constructor(
    private readonly config: ModelConfig,
    readonly batch: number,
    readonly capacity: number,
    /** By the names that the step's graph gives them. */
    tensors: Record<string, Tensor>,
  ) {
    this.tensors = tensors
  }

  tensors: Record<string, Tensor>

  static empty(config: ModelConfig, batch: number, capacity: number): Cache {
    const shape = cacheShape(config, batch, capacity)
    const names = cacheNames(config.num_hidden_layers)
    return new Cache(config, batch, capacity, Object.fromEntries(names.map((name) => [name, zeros(shape)])))
  }

  get bytes(): number {
    const sizes = Object.values(this.tensors).map(({ floats }) => floats.byteLength)
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  /** Takes over what a run made of the cache. */
  update(results: Results): void {
    this.tensors = Object.fromEntries(Object.keys(this.tensors).map((name) => [name, results[name]!]))
  }

  /** Copies the first `length` places of a row of another cache, or of prompts just read, to a row of this one. */
  take(row: number, from: Results, fromRow: number, length: number): void {
    const { num_key_value_heads: G, head_dim: K } = this.config
    for (const [name, { floats }] of Object.entries(this.tensors)) {
      const source = from[name]!
      const width = source.shape[2]! * K
      for (let head = 0; head < G; head++) {
        const start = (fromRow * G + head) * width
        const end = start + Math.min(length * K, width)
        floats.set(source.floats.subarray(start, end), (row * G + head) * this.capacity * K)
      }
    }
  }
}
