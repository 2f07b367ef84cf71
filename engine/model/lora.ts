import { type Adapter, adapterScale } from '#engine/formats/adapter.ts'
import type { Weights } from '#engine/formats/weights.ts'
import { Random } from '#engine/stats/random.ts'
import type { ModelConfig } from './config.ts'
import { isProjectionName, PROJECTIONS, type ProjectionName, projectionPath, projectionShape } from './parameters.ts'

/** Which linear maps get an adapter and of what rank, by the ideas of PEFT's adapter_config.json. */
export type LoraConfig = Pick<Adapter, 'rank' | 'alpha' | 'rankStabilised' | 'targetModules'>

/** Fills defaults: rank 8, alpha 2·rank, every linear map of the layers (PEFT's "all-linear"). */
export function loraConfig(given: Partial<LoraConfig> = {}): LoraConfig {
  const rank = given.rank ?? 8
  const lora = { alpha: 2 * rank, rankStabilised: false, targetModules: [...PROJECTIONS], ...given, rank }
  const unknown = lora.targetModules.find((name) => !isProjectionName(name))
  if (unknown !== undefined)
    throw new Error(`An adapter cannot target ${unknown}; the modules are ${PROJECTIONS.join(', ')}.`)
  if (!Number.isInteger(rank) || rank < 1) throw new Error(`An adapter's rank is a whole number from 1, not ${rank}.`)
  return lora
}

/** Paths of the linear maps that carry an adapter, in the order of the network, with their extents. */
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
export function adapterShapes(config: ModelConfig, lora: LoraConfig): Map<string, number[]> {
  const shapes = new Map<string, number[]>()
  for (const { path, extents } of targets(config, lora)) {
    shapes.set(`${path}.lora_A.weight`, [lora.rank, extents[1]])
    shapes.set(`${path}.lora_B.weight`, [extents[0], lora.rank])
  }
  return shapes
}

/** A fresh adapter as PEFT draws it: A uniform within ±1/√in (Kaiming with a = √5), B zero, so it starts as nothing. */
export function initialAdapter(config: ModelConfig, lora: LoraConfig, seed: number | string): Weights {
  const random = new Random(seed)
  return new Map(
    Array.from(adapterShapes(config, lora), ([name, shape]) => {
      const data = new Float32Array(shape[0]! * shape[1]!)
      const bound = 1 / Math.sqrt(shape[1]!)
      if (name.endsWith('lora_A.weight')) random.fork(name).fillUniform(data, -bound, bound)
      return [name, { shape, data }]
    }),
  )
}

/** The weights with `factor` times the adapter added in; a factor of -1 takes it out again. */
export function mergeAdapter(weights: Weights, lora: LoraConfig, adapter: Weights, factor = 1): Weights {
  const merged: Weights = new Map(weights)
  const scale = adapterScale(lora) * factor
  for (const [name, a] of adapter) {
    const path = /^(.+)\.lora_A\.weight$/.exec(name)?.[1]
    if (!path) continue
    const b = adapter.get(`${path}.lora_B.weight`)
    const base = weights.get(`${path}.weight`)
    if (!b || !base) throw new Error(`${name} has no lora_B beside it or no weight ${path}.weight to be merged into.`)
    merged.set(`${path}.weight`, { shape: base.shape, data: addProduct(base.data, b.data, a.data, lora.rank, scale) })
  }
  return merged
}

/** base [out,in] + scale · b [out,r] a [r,in]. */
function addProduct(base: Float32Array, b: Float32Array, a: Float32Array, rank: number, scale: number): Float32Array {
  const inward = a.length / rank
  return base.map((value, index) => {
    const row = Math.floor(index / inward)
    let sum = 0
    for (let k = 0; k < rank; k++) sum += b[row * rank + k]! * a[k * inward + (index % inward)]!
    return value + scale * sum
  })
}
