import { add, div, type Graph, input, minimum, mul, type Node, reshape, sqrt, sub, sum } from '#engine/graph/index.ts'
import { bufferInputs, type ParameterBuffer } from './parameterBuffers.ts'

export interface AdamWOptions {
  /** Decay of the mean of gradients; 0.9 averages about ten steps. */
  beta1: number
  /** Decay of the mean of squared gradients. */
  beta2: number
  epsilon: number
  /** Share of a weight's value taken away per unit of learning rate. */
  weightDecay: number
  /** Gradients of all parameters together are scaled down to this norm; Infinity never clips. */
  maxGradientNorm: number
}

/** PyTorch's defaults, with clipping at 1 as transformers and TRL do. */
export const ADAMW: AdamWOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradientNorm: 1 }

/** The scalars of one update that depend on the step, worked out in 64 bits. Steps count from 1. */
export function adamWScalars(step: number, learningRate: number, { beta1, beta2, weightDecay }: AdamWOptions) {
  return {
    stepSize: learningRate / (1 - beta1 ** step),
    rootScale: 1 / Math.sqrt(1 - beta2 ** step),
    keep: 1 - learningRate * weightDecay,
  }
}

/**
 * One AdamW update (Loshchilov & Hutter, "Decoupled weight decay regularization", 2019) as a graph over buffers: takes
 * parameters p, moments m and v, gradients g and the scalars above; gives p, m, v and the gradients' norm before
 * clipping.
 */
export function adamWGraph(buffers: readonly ParameterBuffer[], options: AdamWOptions): Graph {
  const { beta1, beta2, epsilon, maxGradientNorm } = options
  const [parameters, firsts, seconds, gradients] = ['p', 'm', 'v', 'g'].map((prefix) =>
    bufferInputs(buffers, prefix),
  ) as [Node[], Node[], Node[], Node[]]
  const [stepSize, rootScale, keep] = [input('stepSize', []), input('rootScale', []), input('keep', [])]
  const norm = sqrt(gradients.map((g) => reshape(sum(mul(g, g)), [])).reduce(add))
  const clip = Number.isFinite(maxGradientNorm) ? minimum(div(maxGradientNorm, add(norm, 1e-6)), 1) : null
  const outputs: Record<string, Node> = { norm }
  buffers.forEach(({ decayed }, index) => {
    const g = clip ? mul(gradients[index]!, clip) : gradients[index]!
    const m = add(mul(firsts[index]!, beta1), mul(g, 1 - beta1))
    const v = add(mul(seconds[index]!, beta2), mul(mul(g, g), 1 - beta2))
    const p = decayed ? mul(parameters[index]!, keep) : parameters[index]!
    outputs[`p.${index}`] = sub(p, div(mul(m, stepSize), add(mul(sqrt(v), rootScale), epsilon)))
    outputs[`m.${index}`] = m
    outputs[`v.${index}`] = v
  })
  return { inputs: [...parameters, ...firsts, ...seconds, ...gradients, stepSize, rootScale, keep], outputs }
}
