import { type Weights, weightNamed } from '#engine/formats/weights.ts'
import type { Node, Tensor } from '#engine/graph/index.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import { feedsOf, weightInputs } from '#engine/model/inputs.ts'
import { forward } from '#engine/model/llama.ts'
import { adapterShapes, initialAdapter, type LoraConfig } from '#engine/model/lora.ts'
import { checkWeights, parameterShapes } from '#engine/model/parameters.ts'
import type { Dropout } from './dropout.ts'
import type { TrainedModel } from './objective.ts'
import { type ParameterBuffer, parameterViews, planBuffers } from './parameterBuffers.ts'

/** The parameters that are trained and those that are frozen. */
export interface TrainableParameters {
  parameterBuffers: readonly ParameterBuffer[]
  /** Initial values, by parameter name. */
  initial: Weights
  /** Weights that are fed unchanged at every step. */
  frozen: Readonly<Record<string, Tensor>>
  /** The model on vectors, one per parameter buffer: its other inputs, and the parameters as views of the vectors. */
  model(
    vectors: readonly Node[],
    size: { batch: number; length: number; dropout?: Dropout },
  ): { inputs: Node[]; trained: ReadonlyMap<string, Node>; model: TrainedModel }
}

export interface TrainableParametersOptions {
  config: ModelConfig
  weights: Weights
  /** Trains an adapter (and the score head of a reward model) with frozen weights; without it every weight is trained. */
  lora?: LoraConfig
  /** Trains this adapter instead of a new one. */
  adapter?: Weights
}

export function selectTrainable(
  { config, weights, lora, adapter }: TrainableParametersOptions,
  seed: number | string,
): TrainableParameters {
  const all = checkWeights(config, weights)
  const shapes: Map<string, number[]> = lora ? adapterShapes(config, lora) : parameterShapes(config)
  const initial = new Map(lora ? (adapter ?? initialAdapter(config, lora, `${seed}/adapter`)) : all)
  if (lora && config.head === 'score') {
    // As in PEFT for sequence classification: the new head is trained in full, beside the adapter.
    shapes.set('score.weight', [1, config.hidden_size])
    if (!initial.has('score.weight')) initial.set('score.weight', weightNamed(all, 'score.weight'))
  }
  const parameterBuffers = planBuffers(shapes)
  const frozenWeights = new Map(Array.from(all).filter(([name]) => !shapes.has(name)))
  return {
    parameterBuffers,
    initial,
    frozen: feedsOf(frozenWeights),
    model: (vectors, { batch, length, dropout }) => {
      const trained = parameterViews(parameterBuffers, vectors)
      const inputs = Array.from(weightInputs(config)).filter(([name]) => frozenWeights.has(name))
      const nodes = new Map<string, Node>([...inputs, ...trained])
      return {
        inputs: [...inputs.map(([, node]) => node), ...(dropout ? [dropout.pool] : [])],
        trained,
        model: {
          config,
          batch,
          length,
          weights: nodes,
          forward: (ids, packing) =>
            forward(config, {
              weights: nodes,
              ids,
              packing,
              adapter: lora && { lora, weights: nodes, drop: dropout?.drop },
            }),
        },
      }
    },
  }
}
