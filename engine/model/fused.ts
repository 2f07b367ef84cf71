import { cast, constant, custom, extentOf, type Node, reshape } from '#engine/graph/index.ts'
import { type Attention, cacheCapacity, cachedLayer, type KeyValueCache } from './attention.ts'
import type { ModelConfig } from './config.ts'
import { rotaryTables, rotate } from './rotary.ts'

// Operators that ONNX Runtime has on the CPU to process one new token with a key-value cache. They compute the same as
// the composed form, but read only the tokens that a row contains.

/** Whether the fused operators support this model: the width of its heads must be a multiple of 16. */
export const canFuse = ({ head_dim }: ModelConfig): boolean => head_dim % 16 === 0

/** Attention of one new token per row. */
export function fusedAttention(config: ModelConfig, cache: KeyValueCache, B: number): Attention {
  const { num_attention_heads: H, num_key_value_heads: G, head_dim: K, sliding_window: windows } = config
  const capacity = cacheCapacity(cache)
  const shape = [B, G, capacity, K]
  const rotation = { ...rotaryTables(config, capacity), positions: cast(reshape(cache.lengths, [B, 1]), 'i64') }
  const total = constant(Int32Array.of(capacity), [])
  const one = (x: Node): Node => reshape(x, [B, 1, extentOf(x.shape, 1)])
  const signature = { shape, dtype: 'f32' as const }
  return (q, k, v, layer) => {
    const cached = cachedLayer(cache, layer)
    const [query, key, value] = [rotate(one(q), rotation), rotate(one(k), rotation), one(v)]
    const [mixed, keys, values] = custom(
      'GroupQueryAttention',
      [query, key, value, cached.key, cached.value, cache.lengths, total],
      [{ shape: [B, 1, H * K], dtype: 'f32' }, signature, signature],
      {
        domain: 'com.microsoft',
        attributes: { num_heads: H, kv_num_heads: G, local_window_size: windows[layer] ?? -1 },
      },
    )
    const fresh = { key: reshape(key, [B, G, 1, K]), value: reshape(value, [B, G, 1, K]) }
    return { output: reshape(mixed, [B, H * K]), fresh, key: keys, value: values }
  }
}

/** RMSNorm as one operator. */
export function fusedNorm(x: Node, weight: Node, epsilon: number): Node {
  const [normalised] = custom('SimplifiedLayerNormalization', [x, weight], [{ shape: x.shape, dtype: 'f32' }], {
    attributes: { epsilon: { float: epsilon }, axis: -1 },
  })
  return normalised
}
