import type { Weights } from '#engine/formats/weights.ts'
import { Random } from '#math/random.ts'
import type { ModelConfig } from './config.ts'

/** The projections (linear maps) of a layer, with the names of PEFT's target_modules. */
export const PROJECTIONS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const
export type ProjectionName = (typeof PROJECTIONS)[number]

export const isProjectionName = (name: string): name is ProjectionName =>
  (PROJECTIONS as readonly string[]).includes(name)

/** The path of a projection in the model, such as `model.layers.0.self_attn.q_proj`. */
export const projectionPath = (layer: number, name: ProjectionName): string =>
  `model.layers.${layer}.${name.startsWith('q') || name.startsWith('k') || name.startsWith('v') || name.startsWith('o') ? 'self_attn' : 'mlp'}.${name}`

/** The shape [out, in] of a projection. */
export function projectionShape(config: ModelConfig, name: ProjectionName): [out: number, in_: number] {
  const { hidden_size: hidden, intermediate_size: inner, head_dim } = config
  const query = config.num_attention_heads * head_dim
  const shared = config.num_key_value_heads * head_dim
  return {
    q_proj: [query, hidden],
    k_proj: [shared, hidden],
    v_proj: [shared, hidden],
    o_proj: [hidden, query],
    gate_proj: [inner, hidden],
    up_proj: [inner, hidden],
    down_proj: [hidden, inner],
  }[name] as [number, number]
}

export function hasBias({ attention_bias, mlp_bias }: ModelConfig, name: ProjectionName): boolean {
  if (name === 'o_proj') return attention_bias.output
  return name === 'q_proj' || name === 'k_proj' || name === 'v_proj' ? attention_bias.qkv : mlp_bias
}

/** The shape of every weight of a model, by its Hugging Face name, in the order of the network. */
export function parameterShapes(config: ModelConfig): Map<string, number[]> {
  const { hidden_size: hidden, vocab_size: vocabulary } = config
  const shapes = new Map<string, number[]>([['model.embed_tokens.weight', [vocabulary, hidden]]])
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    shapes.set(`model.layers.${layer}.input_layernorm.weight`, [hidden])
    for (const name of PROJECTIONS) {
      if (name === 'gate_proj') shapes.set(`model.layers.${layer}.post_attention_layernorm.weight`, [hidden])
      const [out, from] = projectionShape(config, name)
      shapes.set(`${projectionPath(layer, name)}.weight`, [out, from])
      if (hasBias(config, name)) shapes.set(`${projectionPath(layer, name)}.bias`, [out])
    }
  }
  shapes.set('model.norm.weight', [hidden])
  if (config.head === 'score') shapes.set('score.weight', [1, hidden])
  else if (!config.tie_word_embeddings) shapes.set('lm_head.weight', [vocabulary, hidden])
  return shapes
}

/**
 * New weights as transformers initialises them: normal with `initializer_range`, norms 1, biases 0. Every tensor has its
 * own random generator, so its values do not depend on the other tensors of the model.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { smallConfig } from '#engine/model/config.ts'
 * import { countParameters, initialWeights } from '#engine/model/parameters.ts'
 *
 * const config = smallConfig({ vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
 * const weights = initialWeights(config, 7)
 * assert.deepEqual(weights.get('model.embed_tokens.weight')?.shape, [32, 16])
 * assert.equal(countParameters(weights), 3888)
 * ```
 */
export function initialWeights(config: ModelConfig, seed: number | string): Weights {
  const random = new Random(seed)
  return new Map(
    Array.from(parameterShapes(config), ([name, shape]) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1))
      if (name.endsWith('norm.weight')) data.fill(1)
      else if (!name.endsWith('.bias')) random.fork(name).fillNormal(data, config.initializer_range)
      return [name, { shape, data }]
    }),
  )
}

/** The weights in the order of the network, without a redundant lm_head. @throws Error unless they fit the configuration exactly. */
export function checkWeights<Entry extends { shape: readonly number[] }>(
  config: ModelConfig,
  weights: ReadonlyMap<string, Entry>,
): Map<string, Entry> {
  const shapes = parameterShapes(config)
  const checked = new Map<string, Entry>()
  for (const [name, shape] of shapes) {
    const found = weights.get(name)
    if (!found) throw new Error(`The weights have no ${name} [${shape}], which the configuration requires.`)
    if (found.shape.length !== shape.length || found.shape.some((extent, axis) => extent !== shape[axis]))
      throw new Error(`${name} has shape [${found.shape}]; the configuration requires [${shape}].`)
    checked.set(name, found)
  }
  const optional = new Set(['lm_head.weight'].filter(() => config.tie_word_embeddings || config.head === 'score'))
  for (const name of weights.keys())
    if (!shapes.has(name) && !optional.has(name) && !name.endsWith('rotary_emb.inv_freq'))
      throw new Error(`${name} is not a weight of this model. Check that config.json belongs to these weights.`)
  return checked
}

export const countParameters = (weights: Weights): number =>
  Array.from(weights.values()).reduce((total, { data }) => total + data.length, 0)
