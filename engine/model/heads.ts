import {
  add,
  constant,
  exp,
  gather,
  gatherElements,
  logSoftmax,
  mul,
  type Node,
  reshape,
  scatterElements,
  sub,
  withGradient,
} from '#engine/graph/index.ts'
import { linear, type NodeMap, required } from './linear.ts'

/**
 * Log-probability of each target under logits (B,T,V): (B,T). Its gradient is written in closed form,
 * d · (onehot - softmax), which spares a pass over the vocabulary.
 */
export function tokenLogProbabilities(logits: Node, targets: Node): Node {
  const [B, T, V] = logits.shape as [number, number, number]
  const indices = reshape(targets, [B * T, 1])
  const all = logSoftmax(reshape(logits, [B * T, V]))
  const chosen = reshape(gatherElements(all, indices), [B, T])
  return withGradient(chosen, [logits], (d) => {
    const each = reshape(d, [B * T, 1])
    return [reshape(sub(scatterElements(indices, each, [B * T, V]), mul(exp(all), each)), [B, T, V])]
  })
}

/** A reward model's score of each row, read at its last token: hidden (B,T,D), last (B) i32 -> (B). */
export function sequenceScores(weights: NodeMap, hidden: Node, last: Node): Node {
  const [B, T, D] = hidden.shape as [number, number, number]
  const rowStarts = constant(
    Int32Array.from({ length: B }, (_, row) => row * T),
    [B],
  )
  const final = gather(reshape(hidden, [B * T, D]), add(rowStarts, last)) // (B,D)
  return reshape(linear(final, required(weights, 'score.weight')), [B])
}
