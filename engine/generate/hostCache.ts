// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import type { Results, Tensor } from '#engine/graph/index.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { cacheShape } from '#engine/model/inputs.ts'
import { zeros } from './adapterFeeds.ts'
import { cacheNames, resultNamed } from './step.ts'

/** The key-value cache of a batch in host memory: (B,G,C,K) per layer for keys and for values. */
export class HostCache {
  /** By the names of the step graph. */
  readonly tensors: Readonly<Record<string, Tensor>>

  constructor(
    private readonly config: ModelConfig,
    readonly batch: number,
    readonly capacity: number,
  ) {
    const shape = cacheShape(config, batch, capacity)
    this.tensors = Object.fromEntries(cacheNames(config.num_hidden_layers).map((name) => [name, zeros(shape)]))
  }

  get bytes(): number {
    return Object.values(this.tensors).reduce((sum, { floats }) => sum + floats.byteLength, 0)
  }

  /** Copies the first `length` positions of a row of another cache, or of a prefill's results, to a row of this cache, from position `at` on. */
  copyRow(row: number, from: Results, fromRow: number, length: number, at = 0): void {
    const { num_key_value_heads: G, head_dim: K } = this.config
    for (const [name, { floats }] of Object.entries(this.tensors)) {
      const source = resultNamed(from, name)
      const width = source.shape[2]! * K
      for (let head = 0; head < G; head++) {
        const start = (fromRow * G + head) * width
        floats.set(source.floats.subarray(start, start + length * K), ((row * G + head) * this.capacity + at) * K)
      }
    }
  }

  /** Writes the keys and values of the first `count` steps of a run for a row, (N,B,G,1,K), from `position` on. */
  append(row: number, results: Results, position: number, count: number): void {
    const { num_key_value_heads: G, head_dim: K } = this.config
    for (const [name, { floats }] of Object.entries(this.tensors)) {
      const source = resultNamed(results, name).floats
      for (let n = 0; n < count; n++)
        for (let head = 0; head < G; head++) {
          const start = ((n * this.batch + row) * G + head) * K
          floats.set(source.subarray(start, start + K), ((row * G + head) * this.capacity + position + n) * K)
        }
    }
  }
}
