import type { Feeds, Node } from '#engine/graph/index.ts'
import type { Packing } from '#engine/model/attention.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import type { NodeMap } from '#engine/model/linear.ts'
import type { ForwardResult } from '#engine/model/llama.ts'

/** The model that an objective builds its graph on, for `batch` examples of up to `length` tokens. */
export interface TrainedModel {
  config: ModelConfig
  batch: number
  length: number
  weights: NodeMap
  /** The hidden states of ids (rows, length), with the adapter applied. */
  forward(ids: Node, packing?: Packing): ForwardResult
}

export interface ObjectiveGraph {
  inputs: readonly Node[]
  /** Scalar: the weighted sum of the losses of the examples; the trainer divides it by their total weight. */
  loss: Node
  /** Scalars that are reported with the loss; also weighted sums. */
  metrics: Readonly<Record<string, Node>>
}

/**
 * A training objective. All objectives use the same trainer; they differ in the type of an example and in the graph of
 * the loss.
 */
export interface Objective<Example> {
  readonly name: string
  /** Rows of the batch per example: 2 for a pair. */
  readonly rows: 1 | 2
  /** Number of positions that an example needs. */
  lengthOf(example: Example): number
  /** The example's part of the divisor of the loss: its weight, times its number of tokens where all tokens count equally. */
  totalOf(example: Example): number
  /** @throws Error that says why an example cannot be used for training. */
  check(example: Example): void
  build(model: TrainedModel): ObjectiveGraph
  /** Feeds for exactly the inputs of the objective; rows after the last example must have weight 0. */
  feeds(examples: readonly Example[], batch: number, length: number): Feeds
}
