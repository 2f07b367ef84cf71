import {
  argmax,
  cast,
  constant,
  cumsum,
  custom,
  div,
  equal,
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
  or,
  reshape,
  slice,
  softmax,
  sub,
  sum,
  where,
} from '#engine/graph/index.ts'

/** What a sampler is compiled for: what no row of the batch asks for costs nothing. */
export interface SamplerShape {
  /** `greedy`: no row draws; `drawn`: some do; `filtered`: some limit the tokens that may be drawn. */
  choice: 'greedy' | 'drawn' | 'filtered'
  /** Whether some row has a repetition penalty. */
  penalised: boolean
  /** Whether some row says at every token which ones are allowed. */
  masked: boolean
  /** So many of the likeliest tokens are reported beside the one chosen. */
  top: number
}

/** The sampler's inputs for B rows and a vocabulary of V; those that its shape does not need are absent. */
export interface SamplerInputs {
  /** (B,1); 0 takes the likeliest token. */
  temperature?: Node
  /** (B,1): only so many of the likeliest tokens; V for all. */
  topK?: Node
  /** (B,1): only the likeliest tokens that together have this probability (Holtzman et al., "Neural text degeneration", 2020). */
  topP?: Node
  /** (B,1): only tokens with this share of the likeliest one's probability (Nguyen et al., "Turning up the heat", 2024). */
  minP?: Node
  /** (B,1): divides the positive and multiplies the negative scores of tokens in `seen` (Keskar et al., "CTRL", 2019). */
  penalty?: Node
  /** (B,V) bool: the tokens of the prompt and of the answer so far. */
  seen?: Node
  /** (B,V) bool: the tokens that may come next. */
  allowed?: Node
}

export function samplerInputs({ choice, penalised, masked }: SamplerShape, B: number, V: number): SamplerInputs {
  return {
    ...(choice !== 'greedy' && { temperature: input('temperature', [B, 1]) }),
    ...(choice === 'filtered' && {
      topK: input('topK', [B, 1], 'i32', { below: V + 1 }),
      topP: input('topP', [B, 1]),
      minP: input('minP', [B, 1]),
    }),
    ...(penalised && { penalty: input('penalty', [B, 1]), seen: input('seen', [B, V], 'bool') }),
    ...(masked && { allowed: input('allowed', [B, V], 'bool') }),
  }
}

export interface SampledToken {
  /** (B,1) i32. */
  token: Node
  /** (B,1): its natural log-probability under the model itself: at temperature 1, before penalty, mask and filters. */
  logProbability: Node
  /** The likeliest tokens under the model itself, (B,top) i32 and their log-probabilities. */
  top?: { tokens: Node; logProbabilities: Node }
  /** `seen` with the token. */
  seen?: Node
}

/** Far below any score, yet finite. */
const FORBIDDEN = -1e9

/**
 * Chooses a token for each row of logits (B,V): penalty, then mask, then temperature, then filters, and of what is left
 * the token at which the cumulative distribution passes `uniform` (B,1); where the temperature is 0, the likeliest.
 * Every filter looks at the whole distribution after temperature. A row that asks for none of this is left untouched
 * to the bit by what its neighbours ask for.
 */
export function sampleToken(logits: Node, uniform: Node, { top }: SamplerShape, inputs: SamplerInputs): SampledToken {
  const [B, V] = logits.shape as [number, number]
  const { temperature, penalty, seen, allowed } = inputs
  const penalised = penalty && seen ? where(seen, repelled(logits, penalty), logits) : logits
  const scores = allowed ? where(allowed, penalised, FORBIDDEN) : penalised
  const likeliest = reshape(argmax(scores), [B, 1])
  const token = temperature
    ? where(less(0, temperature), drawn(scores, uniform, temperature, inputs), likeliest)
    : likeliest
  const own = logSoftmax(logits)
  return {
    token,
    logProbability: gatherElements(own, token),
    ...(top > 0 && { top: likeliestOf(own, top) }),
    ...(seen && {
      seen: or(
        seen,
        equal(
          constant(
            Int32Array.from({ length: V }, (_, id) => id),
            [1, V],
          ),
          token,
        ),
      ),
    }),
  }
}

/** Scores made less likely: x / p above 0, x · p below. */
const repelled = (scores: Node, penalty: Node): Node =>
  where(less(scores, 0), mul(scores, penalty), div(scores, penalty))

function drawn(scores: Node, uniform: Node, temperature: Node, inputs: SamplerInputs): Node {
  const V = scores.shape[1]!
  const shares = softmax(div(scores, maximum(temperature, 1e-6)))
  const cumulative = cumsum(inputs.topK ? filtered(shares, inputs) : shares) // (B,V)
  const total = slice(cumulative, 1, V - 1, V)
  // A little below the total, so that rounding never passes the last token that may be drawn.
  const level = mul(uniform, mul(total, 1 - 1e-6))
  const passed = cast(sum(cast(not(less(level, cumulative)), 'f32'), [-1]), 'i32') // (B,1)
  return where(less(passed, V), passed, constant(Int32Array.of(V - 1), []))
}

/** The shares with those that must not be drawn set to 0. Ties with the last one kept are kept. */
function filtered(shares: Node, { topK, topP, minP }: SamplerInputs): Node {
  const sorted = sortedTop(shares, shares.shape[1]!).values
  const before = sub(cumsum(sorted), sorted)
  const least = neg(max(where(less(before, topP!), neg(sorted), -1), [-1])) // (B,1)
  const place = maximum(sub(topK!, constant(Int32Array.of(1), [])), constant(Int32Array.of(0), []))
  const threshold = maximum(maximum(least, gatherElements(sorted, place)), mul(minP!, max(shares, [-1])))
  return where(less(shares, threshold), 0, shares)
}

function likeliestOf(logProbabilities: Node, count: number) {
  const { values, indices } = sortedTop(logProbabilities, count)
  return { tokens: cast(indices, 'i32'), logProbabilities: values }
}

/** The largest `count` of each row, in falling order. */
function sortedTop(x: Node, count: number): { values: Node; indices: Node } {
  const shape = [x.shape[0]!, count]
  const results = [{ shape, dtype: 'f32' } as const, { shape, dtype: 'i64' } as const]
  const [values, indices] = custom('TopK', [x, constant(BigInt64Array.of(BigInt(count)), [1])], results) as [Node, Node]
  return { values, indices }
}
