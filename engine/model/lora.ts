import { type Adapter, adapterScale } from '#engine/formats/adapter.ts'
import type { Weights } from '#engine/formats/weights.ts'
import { Random } from '#math/random.ts'
import type { ModelConfig } from './config.ts'
import { addScaledProduct } from './mergeKernel.ts'
import { isProjectionName, PROJECTIONS, type ProjectionName, projectionPath, projectionShape } from './parameters.ts'

/** The projections that get an adapter, its rank and its scale, as in PEFT's adapter_config.json. */
export type LoraConfig = Pick<Adapter, 'rank' | 'alpha' | 'rankStabilised' | 'targetModules'>

/**
 * Fills in defaults: rank 8, alpha 2·rank, every projection of the layers (PEFT's "all-linear").
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { loraConfig } from '#engine/model/lora.ts'
 *
 * assert.deepEqual(loraConfig({ rank: 4, targetModules: ['q_proj', 'v_proj'] }), {
 *   rank: 4,
 *   alpha: 8,
 *   rankStabilised: false,
 *   targetModules: ['q_proj', 'v_proj'],
 * })
 * ```
 */
export function loraConfig(given: Partial<LoraConfig> = {}): LoraConfig {
  const rank = given.rank ?? 8
  const lora = { alpha: 2 * rank, rankStabilised: false, targetModules: [...PROJECTIONS], ...given, rank }
  const unknown = lora.targetModules.find((name) => !isProjectionName(name))
  if (unknown !== undefined)
    throw new Error(`An adapter cannot target ${unknown}; possible targets are ${PROJECTIONS.join(', ')}.`)
  if (!Number.isInteger(rank) || rank < 1)
    throw new Error(`The rank of an adapter is ${rank}; it must be a whole number of at least 1.`)
  return lora
}

/** Paths and shapes of the projections with an adapter, in the order of the network. */
function targets(config: ModelConfig, { targetModules }: LoraConfig) {
  const names = PROJECTIONS.filter((name) => targetModules.includes(name))
  return Array.from({ length: config.num_hidden_layers }, (_, layer) =>
    names.map((name: ProjectionName) => ({
      path: projectionPath(layer, name),
      extents: projectionShape(config, name),
    })),
  ).flat()
}

/** Every adapter weight by name: `….q_proj.lora_A.weight` [r, in] and `….lora_B.weight` [out, r]. */
export function adapterShapes(config: ModelConfig, lora: LoraConfig): Map<string, [number, number]> {
  const shapes = new Map<string, [number, number]>()
  for (const { path, extents } of targets(config, lora)) {
    shapes.set(`${path}.lora_A.weight`, [lora.rank, extents[1]])
    shapes.set(`${path}.lora_B.weight`, [extents[0], lora.rank])
  }
  return shapes
}

/** A new adapter as PEFT initialises it: A uniform within ±1/√in (Kaiming with a = √5), B zero, so that it adds nothing yet. */
export function initialAdapter(config: ModelConfig, lora: LoraConfig, seed: number | string): Weights {
  const random = new Random(seed)
  return new Map(
    Array.from(adapterShapes(config, lora), ([name, [rows, columns]]) => {
      const data = new Float32Array(rows * columns)
      const bound = 1 / Math.sqrt(columns)
      if (name.endsWith('lora_A.weight')) random.fork(name).fillUniform(data, -bound, bound)
      return [name, { shape: [rows, columns], data }]
    }),
  )
}

/**
 * The weights plus `factor` times the adapter; a factor of -1 subtracts it again.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { smallConfig } from '#engine/model/config.ts'
 * import { initialAdapter, loraConfig, mergeAdapter } from '#engine/model/lora.ts'
 * import { initialWeights } from '#engine/model/parameters.ts'
 *
 * const config = smallConfig({ vocab_size: 32, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 })
 * const lora = loraConfig({ rank: 2 })
 * const weights = initialWeights(config, 1)
 * const merged = mergeAdapter(weights, lora, initialAdapter(config, lora, 1))
 * assert.deepEqual(merged, weights) // B of a new adapter is zero
 * ```
 */
export function mergeAdapter(weights: Weights, lora: LoraConfig, adapter: Weights, factor = 1): Weights {
  const merged: Weights = new Map(weights)
  const scale = adapterScale(lora) * factor
  for (const [name, a] of adapter) {
    const path = /^(.+)\.lora_A\.weight$/.exec(name)?.[1]
    if (!path) continue
    const b = adapter.get(`${path}.lora_B.weight`)
    const base = weights.get(`${path}.weight`)
    if (!b || !base)
      throw new Error(
        `${name} cannot be merged: ${b ? `the weights have no ${path}.weight` : 'its lora_B is missing'}.`,
      )
    merged.set(`${path}.weight`, {
      shape: base.shape,
      data: addScaledProduct(base.data, b.data, a.data, lora.rank, scale),
    })
  }
  return merged
}
