import {
  argmax,
  cast,
  constant,
  cumsum,
  custom,
  div,
  gatherElements,
  input,
  less,
  logSoftmax,
  max,
  maximum,
  mul,
  type Node,
  neg,
  not,
  reshape,
  slice,
  softmax,
  sub,
  sum,
  where,
} from '#engine/graph/index.ts'

/** What limits the tokens that may be drawn, for each row: (B,1). */
export interface Filter {
  /** Only so many of the likeliest tokens; V for all. */
  topK: Node
  /** Only the likeliest tokens that together have this probability (Holtzman et al., "Neural text degeneration", 2020). */
  topP: Node
  /** Only tokens with this share of the likeliest one's probability (Nguyen et al., "Turning up the heat", 2024). */
  minP: Node
}

export const filterInputs = (batch: number, vocabulary: number): Filter => ({
  topK: input('topK', [batch, 1], 'i32', { below: vocabulary + 1 }),
  topP: input('topP', [batch, 1]),
  minP: input('minP', [batch, 1]),
})

/**
 * Draws a token for each row of logits (B,V): the one at which the cumulative distribution, sharpened by `temperature`
 * (B,1), passes `uniform` (B,1); where the temperature is 0, the likeliest. All filters look at the whole sharpened
 * distribution. Gives the token (B,1) and its log-probability (B,1) at temperature 1, unfiltered.
 */
export function drawToken(logits: Node, { uniform, temperature, filter }: Draw): { token: Node; logProbability: Node } {
  const [B, V] = logits.shape as [number, number]
  const shares = softmax(div(logits, maximum(temperature, 1e-6)))
  const cumulative = cumsum(filter ? filtered(shares, filter) : shares) // (B,V)
  const total = slice(cumulative, 1, V - 1, V)
  // A little below the total, so that rounding never passes the last token that may be drawn.
  const level = mul(uniform, mul(total, 1 - 1e-6))
  const passed = cast(sum(cast(not(less(level, cumulative)), 'f32'), [-1]), 'i32') // (B,1)
  const drawn = where(less(passed, V), passed, constant(Int32Array.of(V - 1), []))
  const token = where(less(0, temperature), drawn, reshape(cast(argmax(logits), 'i32'), [B, 1]))
  return { token, logProbability: gatherElements(logSoftmax(logits), token) }
}

export interface Draw {
  uniform: Node
  temperature: Node
  filter?: Filter
}

/** The shares with those that must not be drawn set to 0. Ties with the last one kept are kept. */
function filtered(shares: Node, { topK, topP, minP }: Filter): Node {
  const [B, V] = shares.shape as [number, number]
  const signature = { shape: [B, V], dtype: 'f32' as const }
  const count = constant(BigInt64Array.of(BigInt(V)), [1])
  const [sorted] = custom('TopK', [shares, count], [signature, { ...signature, dtype: 'i64' }]) as [Node]
  const before = sub(cumsum(sorted), sorted)
  const least = neg(max(where(less(before, topP), neg(sorted), -1), [-1])) // (B,1)
  const kth = gatherElements(sorted, maximum(sub(topK, constant(Int32Array.of(1), [])), constant(Int32Array.of(0), [])))
  const threshold = maximum(maximum(least, kth), mul(minP, max(shares, [-1])))
  return where(less(shares, threshold), 0, shares)
}
