import { adapterScale } from '#engine/formats/adapter.ts'
import { add, gather, type Node, type NodesLike, reshape } from '#engine/graph/index.ts'
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
  /** By name; matrices (shared by all rows) or three-dimensional (one per row). A matrices with the same input may be joined. */
  weights: NodeMap
  /** Applied to the input of each A. */
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
  /** (B,T,D), after the last norm. */
  hidden: Node
  /** Per layer: the cache with the new tokens, or without a cache the keys and values (B,G,T,K) of this call. */
  keys: Node[]
  values: Node[]
  /** Per layer: the keys and values (B,G,T,K) of this call. */
  fresh: { key: Node; value: Node }[]
}

/**
 * The decoder of Llama (Touvron et al., 2023), Mistral and Qwen2 as a graph: pre-norm, rotary positions, grouped-query
 * attention, SwiGLU. B rows, T tokens, D channels, H query heads, G key-value heads of width K.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { onnxRuntime } from '#engine/graph/index.ts'
 * import { smallConfig } from '#engine/model/config.ts'
 * import { tokenLogits } from '#engine/model/heads.ts'
 * import { feedsOf, idInput, weightInputs } from '#engine/model/inputs.ts'
 * import { forward } from '#engine/model/llama.ts'
 * import { initialWeights } from '#engine/model/parameters.ts'
 *
 * const config = smallConfig({ vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
 * const weights = weightInputs(config)
 * const ids = idInput(config, 1, 4)
 * const { hidden } = forward(config, { weights, ids })
 * const program = await onnxRuntime({ device: 'cpu' }).compile({
 *   inputs: [ids, ...weights.values()],
 *   outputs: { logits: tokenLogits(config, weights, hidden) },
 * })
 * const { logits } = await program.run({ ids: Int32Array.of(1, 5, 9, 2), ...feedsOf(initialWeights(config, 1)) })
 * assert.deepEqual(logits.shape, [1, 4, 32])
 * await program.release()
 * ```
 */
export function forward(config: ModelConfig, inputs: ForwardInputs): ForwardResult {
  const { hidden_size: D, rms_norm_eps: epsilon } = config
  const { weights, ids, adapter, cache } = inputs
  const [B, T] = ids.shape as [number, number]
  const fused = cache?.fused && T === 1 && canFuse(config)
  const attention = fused ? fusedAttention(config, cache, B) : composedAttention(config, inputs)
  const norm = fused ? fusedNorm : rmsNorm
  const weight = (name: string): Node => required(weights, name)
  const project = <N extends readonly ProjectionName[]>(x: Node, layer: number, ...names: N): NodesLike<N> => {
    const paths = names.map((name) => projectionPath(layer, name))
    const updates = adapter ? adapterUpdates(adapter, x, paths, B) : undefined
    return paths.map((path) => {
      const y = linear(x, weight(`${path}.weight`), weights.get(`${path}.bias`))
      const update = updates?.get(path)
      return update ? add(y, update) : y
    }) as NodesLike<N>
  }

  const fresh: ForwardResult['fresh'] = []
  const keys: Node[] = []
  const values: Node[] = []
  // Outside attention the tokens of all rows are one list: (BT,D).
  let x = gather(weight('model.embed_tokens.weight'), reshape(ids, [B * T]))
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const h = norm(x, weight(`model.layers.${layer}.input_layernorm.weight`), epsilon)
    const [q, k, v] = project(h, layer, 'q_proj', 'k_proj', 'v_proj')
    const attended = attention(q, k, v, layer)
    fresh.push(attended.fresh)
    keys.push(attended.key)
    values.push(attended.value)
    const [o] = project(attended.output, layer, 'o_proj')
    x = add(x, o)

    const g = norm(x, weight(`model.layers.${layer}.post_attention_layernorm.weight`), epsilon)
    const [gate, up] = project(g, layer, 'gate_proj', 'up_proj')
    const [down] = project(swiGlu(gate, up), layer, 'down_proj')
    x = add(x, down)
  }
  const hidden = reshape(norm(x, weight('model.norm.weight'), epsilon), [B, T, D])
  return { hidden, fresh, keys, values }
}

/** The updates of an adapter to the projections of x at `paths`, by path. */
function adapterUpdates(
  { lora, weights, drop }: ForwardAdapter,
  x: Node,
  paths: readonly string[],
  batch: number,
): Map<string, Node> {
  const adapted = paths.filter((path) => weights.has(`${path}.lora_B.weight`))
  const joined = weights.has(`${joinedLoraPath(adapted)}.lora_A.weight`)
  const updates = (joined ? [adapted] : adapted.map((path) => [path])).flatMap((group) => {
    const a = required(weights, `${joinedLoraPath(group)}.lora_A.weight`)
    const bs = group.map((path) => [path, required(weights, `${path}.lora_B.weight`)] as const)
    return loraUpdates(drop?.(x) ?? x, a, bs, adapterScale(lora), batch)
  })
  return new Map(updates)
}
