import { adapterScale } from '#engine/formats/adapter.ts'
import { add, gather, type Node, reshape } from '#engine/graph/index.ts'
import { composedAttention, type KeyValueCache, type Packing } from './attention.ts'
import type { ModelConfig } from './config.ts'
import { canFuse, fusedAttention, fusedNorm } from './fused.ts'
import { joinedLoraPath, linear, loraUpdates, type NodeMap, required } from './linear.ts'
import type { LoraConfig } from './lora.ts'
import { rmsNorm } from './norm.ts'
import { type ProjectionName, projectionPath } from './parameters.ts'
import { swiGlu } from './swiglu.ts'

export interface ForwardAdapter {
  lora: LoraConfig
  /** By name, of rank 2 (shared) or 3 (one per row). The As of maps that read the same input may be joined. */
  weights: NodeMap
  /** Applied to what enters an A. */
  drop?: (x: Node) => Node
}

export interface ForwardInputs {
  /** Base weights by Hugging Face name. */
  weights: NodeMap
  /** (B,T) i32 token ids; rows shorter than T are padded at the end. */
  ids: Node
  adapter?: ForwardAdapter
  packing?: Packing
  cache?: KeyValueCache
}

export interface ForwardResult {
  /** (B,T,D) after the last norm. */
  hidden: Node
  /** Per layer: the cache with the new tokens, or without a cache the keys and values (B,G,T,K) of this call. */
  keys: Node[]
  values: Node[]
  /** Per layer: the keys and values (B,G,T,K) of this call. */
  fresh: { key: Node; value: Node }[]
}

/**
 * The decoder of Llama (Touvron et al., 2023) and its relatives: pre-norm, rotary positions, grouped-query attention,
 * SwiGLU. B rows, T tokens, D channels, H heads in G groups of width K, F inner channels.
 */
export function forward(config: ModelConfig, inputs: ForwardInputs): ForwardResult {
  const { hidden_size: D, rms_norm_eps: epsilon } = config
  const { weights, ids, adapter, cache } = inputs
  const [B, T] = ids.shape as [number, number]
  const fused = cache?.fused && T === 1 && canFuse(config)
  const attention = fused ? fusedAttention(config, cache, B) : composedAttention(config, inputs)
  const norm = fused ? fusedNorm : rmsNorm
  const weight = (name: string): Node => required(weights, name)
  const map = (x: Node, layer: number, ...names: ProjectionName[]): Node[] => {
    const paths = names.map((name) => projectionPath(layer, name))
    const added = adapter ? adapterUpdates(adapter, x, paths, B) : new Map<string, Node>()
    return paths.map((path) => {
      const y = linear(x, weight(`${path}.weight`), weights.get(`${path}.bias`))
      return added.has(path) ? add(y, added.get(path)!) : y
    })
  }

  const fresh: ForwardResult['fresh'] = []
  const keys: Node[] = []
  const values: Node[] = []
  // Between attentions all rows are one: (BT,D).
  let x = gather(weight('model.embed_tokens.weight'), reshape(ids, [B * T]))
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const h = norm(x, weight(`model.layers.${layer}.input_layernorm.weight`), epsilon)
    const [q, k, v] = map(h, layer, 'q_proj', 'k_proj', 'v_proj') as [Node, Node, Node]
    const { output: mixed, fresh: made, key, value } = attention(q, k, v, layer)
    fresh.push(made)
    keys.push(key)
    values.push(value)
    x = add(x, map(mixed, layer, 'o_proj')[0]!)

    const g = norm(x, weight(`model.layers.${layer}.post_attention_layernorm.weight`), epsilon)
    const [gate, up] = map(g, layer, 'gate_proj', 'up_proj') as [Node, Node]
    x = add(x, map(swiGlu(gate, up), layer, 'down_proj')[0]!)
  }
  const hidden = reshape(norm(x, weight('model.norm.weight'), epsilon), [B, T, D])
  return { hidden, fresh, keys, values }
}

/** What an adapter adds to the maps at `paths` of x, by path. */
function adapterUpdates(
  { lora, weights, drop }: ForwardAdapter,
  x: Node,
  paths: readonly string[],
  batch: number,
): Map<string, Node> {
  const carriers = paths.filter((path) => weights.has(`${path}.lora_B.weight`))
  const joined = weights.has(`${joinedLoraPath(carriers)}.lora_A.weight`)
  const added = (joined ? [carriers] : carriers.map((path) => [path])).map((group) => {
    const a = required(weights, `${joinedLoraPath(group)}.lora_A.weight`)
    const bs = group.map((path) => required(weights, `${path}.lora_B.weight`))
    return loraUpdates(drop?.(x) ?? x, a, bs, adapterScale(lora), batch)
  })
  return new Map(added.flat().map((node, index) => [carriers[index]!, node]))
}
