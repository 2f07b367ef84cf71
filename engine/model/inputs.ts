import type { Weights } from '#engine/formats/weights.ts'
import { expand, input, type Node, type Shape, type Tensor, tensor } from '#engine/graph/index.ts'
import type { KeyValueCache } from './attention.ts'
import type { ModelConfig } from './config.ts'
import type { NodeMap } from './linear.ts'
import { adapterShapes, type LoraConfig } from './lora.ts'
import { parameterShapes } from './parameters.ts'

const inputsOf = (shapes: ReadonlyMap<string, Shape>) =>
  new Map(Array.from(shapes, ([name, shape]): [string, Node] => [name, input(name, shape)]))

/** An input for every base weight; programs that are fed the same tensors share one copy. */
export const weightInputs = (config: ModelConfig): Map<string, Node> => inputsOf(parameterShapes(config))

/** Token ids (B,T); a run refuses ids outside the vocabulary. */
export const idInput = (config: ModelConfig, batch: number, length: number, name = 'ids'): Node =>
  input(name, [batch, length], 'i32', { below: config.vocab_size })

/** One adapter for all rows. */
export const adapterInputs = (config: ModelConfig, lora: LoraConfig): Map<string, Node> =>
  inputsOf(adapterShapes(config, lora))

/**
 * One adapter copied for every row. The gradient with respect to a copy is the gradient of the loss of that row alone, so
 * one step computes the gradients of all rows.
 */
export const adapterPerRow = (adapter: NodeMap, batch: number): Map<string, Node> =>
  new Map(Array.from(adapter, ([name, node]): [string, Node] => [name, expand(node, [batch, ...node.shape])]))

/** Inputs of a key-value cache: `key.L` and `value.L` (B,G,C,K) for every layer, and `lengths` (B). */
export function cacheInputs(config: ModelConfig, batch: number, capacity: number): KeyValueCache {
  const shape = cacheShape(config, batch, capacity)
  const layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => layer)
  return {
    keys: layers.map((layer) => input(`key.${layer}`, shape)),
    values: layers.map((layer) => input(`value.${layer}`, shape)),
    lengths: input('lengths', [batch], 'i32', { below: capacity }),
  }
}

export const cacheShape = (config: ModelConfig, batch: number, capacity: number): Shape => [
  batch,
  config.num_key_value_heads,
  capacity,
  config.head_dim,
]

/** Weights as feeds; their values are checked here once, not at every run. */
export const feedsOf = (weights: Weights): Record<string, Tensor> =>
  Object.fromEntries(Array.from(weights, ([name, { data, shape }]) => [name, tensor(data, shape, name)]))
