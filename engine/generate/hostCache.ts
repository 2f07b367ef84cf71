import type { Results, Tensor } from '#engine/graph/index.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { cacheShape } from '#engine/model/inputs.ts'
import { zeros } from './adapterFeeds.ts'
import { cacheNames } from './step.ts'

/** The key-value cache of a batch on the host: (B,G,C,K) a layer for keys and for values. */
export class HostCache {
  /** By the names that the step's graph gives them. */
  readonly tensors: Readonly<Record<string, Tensor>>

  constructor(
    private readonly config: ModelConfig,
    readonly batch: number,
    readonly capacity: number,
  ) {
    const shape = cacheShape(config, batch, capacity)
    this.tensors = Object.fromEntries(cacheNames(config.num_hidden_layers).map((name) => [name, zeros(shape)]))
  }

  /** Copies the first `length` places of a row of another cache, or of prompts just read, to a row of this one. */
  take(row: number, from: Results, fromRow: number, length: number): void {
    const { num_key_value_heads: G, head_dim: K } = this.config
    for (const [name, { floats }] of Object.entries(this.tensors)) {
      const source = from[name]!
      const width = source.shape[2]! * K
      for (let head = 0; head < G; head++) {
        const start = (fromRow * G + head) * width
        floats.set(source.floats.subarray(start, start + length * K), (row * G + head) * this.capacity * K)
      }
    }
  }

  /** Writes what the first `count` steps of a run made for a row, (N,B,G,1,K), from `place` on. */
  append(row: number, made: Results, place: number, count: number): void {
    const { num_key_value_heads: G, head_dim: K } = this.config
    for (const [name, { floats }] of Object.entries(this.tensors)) {
      const source = made[name]!.floats
      for (let n = 0; n < count; n++)
        for (let head = 0; head < G; head++) {
          const start = ((n * this.batch + row) * G + head) * K
          floats.set(source.subarray(start, start + K), ((row * G + head) * this.capacity + place + n) * K)
        }
    }
  }
}
