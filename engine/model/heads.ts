import {
  add,
  addElements,
  constant,
  expand,
  gather,
  gatherElements,
  log,
  matmul,
  max,
  mul,
  type Node,
  reshape,
  scalar,
  softmax,
  sub,
  withGradient,
} from '#engine/graph/index.ts'
import type { ModelConfig } from './config.ts'
import { linear, type NodeMap, required } from './linear.ts'

/** The output matrix (V,D) of the language model head; with tied weights it is the embedding matrix. */
const vocabularyHead = (config: ModelConfig, weights: NodeMap): Node =>
  required(weights, config.tie_word_embeddings ? 'model.embed_tokens.weight' : 'lm_head.weight')

/** Logits of the next token: (…,D) -> (…,V). */
export const tokenLogits = (config: ModelConfig, weights: NodeMap, hidden: Node): Node =>
  linear(hidden, vocabularyHead(config, weights))

/**
 * Log-probability of each target token, from hidden states (B,T,D): (B,T). The gradient is in closed form: with logits
 * h Wᵀ and g = softmax - onehot, dh = -d · g W and dW = -gᵀ (d · h). So between the two matrix products only softmax
 * reads all logits.
 */
export function tokenLogProbabilities(config: ModelConfig, weights: NodeMap, hidden: Node, targets: Node): Node {
  const [B, T, D] = hidden.shape as [number, number, number]
  const head = vocabularyHead(config, weights)
  const indices = reshape(targets, [B * T, 1])
  const flat = reshape(hidden, [B * T, D])
  const logits = linear(flat, head) // (BT,V)
  const probabilities = softmax(logits)
  // log Z = max logit - log max p: exact even where the probability of the target is too small for a float.
  const above = sub(gatherElements(logits, indices), max(logits, [-1]))
  const chosen = reshape(add(above, log(max(probabilities, [-1]))), [B, T])
  return withGradient(chosen, [hidden, head], (d) => {
    const each = reshape(d, [B * T, 1])
    const g = addElements(probabilities, indices, expand(scalar(-1), [B * T, 1]))
    return [
      reshape(mul(matmul(g, head, { scale: -1 }), each), [B, T, D]),
      matmul(g, mul(flat, each), { transposeA: true, scale: -1 }),
    ]
  })
}

/** The score of a reward model for each row, at the row's last token: hidden (B,T,D), last (B) i32 -> (B). */
export function sequenceScores(weights: NodeMap, hidden: Node, last: Node): Node {
  const [B, T, D] = hidden.shape as [number, number, number]
  const rowStarts = constant(
    Int32Array.from({ length: B }, (_, row) => row * T),
    [B],
  )
  const final = gather(reshape(hidden, [B * T, D]), add(rowStarts, last)) // (B,D)
  return reshape(linear(final, required(weights, 'score.weight')), [B])
}
