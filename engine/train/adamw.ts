import { add, div, type Graph, input, minimum, mul, type Node, reshape, sqrt, sub, sum } from '#engine/graph/index.ts'
import type { ParameterBuffer } from './parameterBuffers.ts'

export interface AdamWOptions {
  /** Decay of the running mean of the gradients; 0.9 averages about ten steps. */
  beta1: number
  /** Decay of the running mean of the squared gradients. */
  beta2: number
  epsilon: number
  /** Fraction by which a weight shrinks, per unit of learning rate. */
  weightDecay: number
  /** The gradient of all parameters together is scaled down to this norm; Infinity disables clipping. */
  maxGradientNorm: number
}

/** PyTorch's defaults, and clipping at 1 as in transformers and TRL. */
export const ADAMW: AdamWOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradientNorm: 1 }

/** The scalars of one update that depend on the step (counted from 1), computed in 64 bits. */
export function adamWScalars(step: number, learningRate: number, { beta1, beta2, weightDecay }: AdamWOptions) {
  return {
    stepSize: learningRate / (1 - beta1 ** step),
    rootScale: 1 / Math.sqrt(1 - beta2 ** step),
    keep: 1 - learningRate * weightDecay,
  }
}

/**
 * One AdamW update (Loshchilov & Hutter, "Decoupled weight decay regularization", 2019) as a graph over parameter
 * buffers. Inputs: parameters p, moments m and v, gradients g and the scalars above. Outputs: p, m, v and the norm of the
 * gradient before clipping.
 */
export function adamWGraph(buffers: readonly ParameterBuffer[], options: AdamWOptions): Graph {
  const { beta1, beta2, epsilon, maxGradientNorm } = options
  const tensors = buffers.map(({ size, decayed }, index) => {
    const [p, m, v, g] = [
      input(`p.${index}`, [size]),
      input(`m.${index}`, [size]),
      input(`v.${index}`, [size]),
      input(`g.${index}`, [size]),
    ]
    return { index, decayed, p, m, v, g }
  })
  const [stepSize, rootScale, keep] = [input('stepSize', []), input('rootScale', []), input('keep', [])]
  const norm = sqrt(tensors.map(({ g }) => reshape(sum(mul(g, g)), [])).reduce(add))
  const clip = Number.isFinite(maxGradientNorm) ? minimum(div(maxGradientNorm, add(norm, 1e-6)), 1) : null
  const outputs: Record<string, Node> = { norm }
  for (const { index, decayed, ...given } of tensors) {
    const g = clip ? mul(given.g, clip) : given.g
    const m = add(mul(given.m, beta1), mul(g, 1 - beta1))
    const v = add(mul(given.v, beta2), mul(mul(g, g), 1 - beta2))
    const p = decayed ? mul(given.p, keep) : given.p
    outputs[`p.${index}`] = sub(p, div(mul(m, stepSize), add(mul(sqrt(v), rootScale), epsilon)))
    outputs[`m.${index}`] = m
    outputs[`v.${index}`] = v
  }
  return { inputs: [...tensors.flatMap(({ p, m, v, g }) => [p, m, v, g]), stepSize, rootScale, keep], outputs }
}
