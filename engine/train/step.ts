import { add, type Graph, grad, input, mul, type Node } from '#engine/graph/index.ts'
import type { Dropout } from './dropout.ts'
import type { Objective } from './objective.ts'
import { bufferInputs, concatIntoBuffers } from './parameterBuffers.ts'
import type { TrainableParameters } from './trainableParameters.ts'
import { zip } from './zip.ts'

/**
 * The graph of one micro-batch. It runs the model and the objective, multiplies by `scale` (1 / total weight of the step)
 * and adds the gradients to those it is fed with, so that a step can have any number of micro-batches.
 */
export function gradientGraph<E>(
  trainable: TrainableParameters,
  objective: Objective<E>,
  size: { batch: number; length: number; dropout?: Dropout },
): Graph {
  const vectors = bufferInputs(trainable.parameterBuffers, 'p')
  const sums = bufferInputs(trainable.parameterBuffers, 'g')
  const { inputs, trained, model } = trainable.model(vectors, size)
  const { inputs: own, loss, metrics, scale } = scaled(objective, model)
  // Per parameter, then concatenated: through the views every gradient would be padded to the length of its buffer.
  const byName = grad(loss, [...trained.values()])
  const gradients = concatIntoBuffers(trainable.parameterBuffers, new Map(zip(trained.keys(), byName)))
  return {
    inputs: [...vectors, ...sums, ...inputs, ...own, scale],
    outputs: {
      loss,
      ...metrics,
      ...Object.fromEntries(zip(sums, gradients).map(([sum, each], index) => [`g.${index}`, add(sum, each)])),
    },
  }
}

/** The same without gradients. */
export function lossGraph<E>(
  trainable: TrainableParameters,
  objective: Objective<E>,
  batch: number,
  length: number,
): Graph {
  const vectors = bufferInputs(trainable.parameterBuffers, 'p')
  const { inputs, model } = trainable.model(vectors, { batch, length })
  const { inputs: own, loss, metrics, scale } = scaled(objective, model)
  return { inputs: [...vectors, ...inputs, ...own, scale], outputs: { loss, ...metrics } }
}

function scaled<E>(objective: Objective<E>, model: Parameters<Objective<E>['build']>[0]) {
  const { inputs, loss, metrics } = objective.build(model)
  const scale = input('scale', [])
  const named = Object.entries(metrics).map(([name, node]): [string, Node] => [`metric.${name}`, mul(node, scale)])
  return { inputs, scale, loss: mul(loss, scale), metrics: Object.fromEntries(named) }
}
