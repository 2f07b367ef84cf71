import { cast, constant, custom, type Node, reshape } from '#engine/graph/index.ts'
import type { Attention, KeyValueCache } from './attention.ts'
import type { ModelConfig } from './config.ts'
import { rotaryTables, rotate } from './rotary.ts'

// Operators that ONNX Runtime adds on the CPU for reading one token against a cache. They compute what the composed
// form does, but look only at the tokens that a row has.

/** Whether the fused operators take this model: they want heads of a multiple of 16 channels. */
export const canFuse = ({ head_dim }: ModelConfig): boolean => head_dim % 16 === 0

/** Attention of one new token a row. */
export function fusedAttention(config: ModelConfig, cache: KeyValueCache, B: number): Attention {
  const { num_attention_heads: H, num_key_value_heads: G, head_dim: K, sliding_window: windows } = config
  const shape = cache.keys[0]!.shape
  const capacity = shape[2]!
  const rotation = { ...rotaryTables(config, capacity), positions: cast(reshape(cache.lengths, [B, 1]), 'i64') }
  const total = constant(Int32Array.of(capacity), [])
  const one = (x: Node): Node => reshape(x, [B, 1, x.shape[1]!])
  const signature = { shape, dtype: 'f32' as const }
  return (q, k, v, layer) => {
    const [query, key, value] = [rotate(one(q), rotation), rotate(one(k), rotation), one(v)]
    const [mixed, keys, values] = custom(
      'GroupQueryAttention',
      [query, key, value, cache.keys[layer]!, cache.values[layer]!, cache.lengths, total],
      [{ shape: [B, 1, H * K], dtype: 'f32' }, signature, signature],
      {
        domain: 'com.microsoft',
        attributes: { num_heads: H, kv_num_heads: G, local_window_size: windows[layer] ?? -1 },
      },
    ) as [Node, Node, Node]
    const fresh = { key: reshape(key, [B, G, 1, K]), value: reshape(value, [B, G, 1, K]) }
    return { output: reshape(mixed, [B, H * K]), fresh, key: keys, value: values }
  }
}

/** RMSNorm as one operator. */
export const fusedNorm = (x: Node, weight: Node, epsilon: number): Node =>
  custom('SimplifiedLayerNormalization', [x, weight], [{ shape: x.shape, dtype: 'f32' }], {
    attributes: { epsilon: { float: epsilon }, axis: -1 },
  })[0]!
