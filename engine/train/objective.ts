import type { Feeds, Node } from '#engine/graph/index.ts'
import type { Packing } from '#engine/model/attention.ts'
import type { ModelConfig } from '#engine/model/config.ts'
import type { NodeMap } from '#engine/model/linear.ts'
import type { ForwardResult } from '#engine/model/llama.ts'

/** The model as an objective sees it while its graph is built for `batch` examples of up to `length` tokens. */
export interface TrainedModel {
  config: ModelConfig
  batch: number
  length: number
  weights: NodeMap
  /** The hidden states of ids (rows, length), adapter included. */
  forward(ids: Node, packing?: Packing): ForwardResult
}

export interface ObjectiveGraph {
  inputs: readonly Node[]
  /** Scalar: the weighted sum of the examples' losses; the trainer divides by their total weight. */
  loss: Node
  /** Scalars reported beside the loss: weighted sums too. */
  metrics: Readonly<Record<string, Node>>
}

/**
 * What is trained for. One trainer serves all objectives: they differ in what an example is and in the graph of the
 * loss.
 */
export interface Objective<Example> {
  readonly name: string
  /** Rows of the model one example takes: 2 for a pair. */
  readonly rows: 1 | 2
  /** Positions of the model an example needs. */
  lengthOf(example: Example): number
  /** What an example adds to the divisor of the loss: its weight, times its tokens where these count equally. */
  totalOf(example: Example): number
  /** Throws, saying what is wrong, when an example cannot be trained on. */
  check(example: Example): void
  build(model: TrainedModel): ObjectiveGraph
  /** Feeds for exactly the objective's inputs; rows beyond the examples must weigh nothing. */
  feeds(examples: readonly Example[], batch: number, length: number): Feeds
}
