import { adapterScale } from '#engine/formats/adapter.ts'
import { add, gather, matmul, type Node, reshape, softmax, transpose } from '#engine/graph/index.ts'
import {
  type AttentionContext,
  attentionContext,
  attentionMask,
  type KeyValueCache,
  type Packing,
} from './attention.ts'
import type { ModelConfig } from './config.ts'
import { linear, lowRank, type NodeMap, required } from './linear.ts'
import type { LoraConfig } from './lora.ts'
import { rmsNorm } from './norm.ts'
import { type Projection, projectionPath } from './parameters.ts'
import { rotate } from './rotary.ts'
import { swiGlu } from './swiglu.ts'

export interface ForwardInputs {
  /** Base weights by Hugging Face name. */
  weights: NodeMap
  /** (B,T) i32 token ids; rows shorter than T are padded at the end. */
  ids: Node
  /** Adapter weights by name, of rank 2 (shared) or 3 (one per row); `drop` is applied to what enters an A. */
  adapter?: { lora: LoraConfig; weights: NodeMap; drop?: (x: Node) => Node }
  packing?: Packing
  cache?: KeyValueCache
}

export interface ForwardResult {
  /** (B,T,D) after the last norm. */
  hidden: Node
  /** Per layer: the cache with the new tokens, or without a cache the keys and values (B,G,T,K) of this call. */
  keys: Node[]
  values: Node[]
}

/**
 * The decoder of Llama (Touvron et al., 2023) and its relatives: pre-norm, rotary positions, grouped-query attention,
 * SwiGLU. B rows, T tokens, D channels, H heads in G groups of width K, F inner channels.
 */
export function forward(config: ModelConfig, inputs: ForwardInputs): ForwardResult {
  const { hidden_size: D, num_attention_heads: H, num_key_value_heads: G, head_dim: K, rms_norm_eps: epsilon } = config
  const { weights, ids, adapter, cache } = inputs
  const [B, T] = ids.shape as [number, number]
  const context = attentionContext(config, inputs)
  const weight = (name: string): Node => required(weights, name)
  const map = (x: Node, layer: number, name: Projection): Node => {
    const path = projectionPath(layer, name)
    const y = linear(x, weight(`${path}.weight`), weights.get(`${path}.bias`))
    const a = adapter?.weights.get(`${path}.lora_A.weight`)
    if (!adapter || !a) return y
    const b = required(adapter.weights, `${path}.lora_B.weight`)
    return add(y, lowRank(adapter.drop?.(x) ?? x, a, b, adapterScale(adapter.lora), B))
  }
  const turned = (x: Node): Node => rotate(reshape(x, [B, T, x.shape[1]!]), context)
  const heads = (x: Node, count: number): Node => transpose(reshape(x, [B, T, count, K]), [0, 2, 1, 3]) // (B,N,T,K)

  const keys: Node[] = []
  const values: Node[] = []
  // Between attentions all rows are one: (BT,D).
  let x = gather(weight('model.embed_tokens.weight'), reshape(ids, [B * T]))
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const h = rmsNorm(x, weight(`model.layers.${layer}.input_layernorm.weight`), epsilon)
    const q = heads(turned(map(h, layer, 'q_proj')), H) // (B,H,T,K)
    const k = context.store(heads(turned(map(h, layer, 'k_proj')), G), cache?.keys[layer]) // (B,G,S,K)
    const v = context.store(heads(map(h, layer, 'v_proj'), G), cache?.values[layer])
    keys.push(k)
    values.push(v)
    x = add(x, map(attend(q, k, v, context, layer), layer, 'o_proj'))

    const g = rmsNorm(x, weight(`model.layers.${layer}.post_attention_layernorm.weight`), epsilon)
    x = add(x, map(swiGlu(map(g, layer, 'gate_proj'), map(g, layer, 'up_proj')), layer, 'down_proj'))
  }
  const hidden = reshape(rmsNorm(x, weight('model.norm.weight'), epsilon), [B, T, D])
  return { hidden, keys, values }
}

/** Scaled dot-product attention; the H/G heads of a group share keys: (B,H,T,K), (B,G,S,K) -> (BT,HK). */
function attend(q: Node, k: Node, v: Node, context: AttentionContext, layer: number): Node {
  const [B, H, T, K] = q.shape as [number, number, number, number]
  const [, G, S] = k.shape as [number, number, number, number]
  const grouped = reshape(q, [B, G, (H / G) * T, K])
  const scores = reshape(matmul(grouped, k, { transposeB: true, scale: 1 / Math.sqrt(K) }), [B, H, T, S])
  const attention = softmax(add(scores, attentionMask(context, layer)))
  const mixed = matmul(reshape(attention, [B, G, (H / G) * T, S]), v) // (B,G,HT/G,K)
  return reshape(transpose(reshape(mixed, [B, H, T, K]), [0, 2, 1, 3]), [B * T, H * K])
}
