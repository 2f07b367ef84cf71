// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import {
  add,
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

/** What the compiled sampler supports; it has only what some row of the batch needs. */
export interface SamplerShape {
  /** `greedy`: no row samples; `sampled`: some rows do; `filtered`: some rows also use topK, topP or minP. */
  choice: 'greedy' | 'sampled' | 'filtered'
  /** Whether some row has a repetition penalty. */
  penalised: boolean
  /** Whether some row has a presence or frequency penalty, or biases. */
  biased: boolean
  /** Whether some row restricts the allowed tokens at each step. */
  masked: boolean
  /** Number of most likely tokens to report. */
  top: number
}

/** The sampler's inputs for B rows and a vocabulary of V, as far as its shape needs them. */
export interface SamplerInputs {
  /** (B,1); 0 selects the most likely token. */
  temperature?: Node
  /** (B,1): only this number of the most likely tokens; V for all. */
  topK?: Node
  /** (B,1): only the most likely tokens up to this total probability (nucleus sampling: Holtzman et al., "The curious case of neural text degeneration", 2020). */
  topP?: Node
  /** (B,1): only tokens with at least this fraction of the most likely token's probability (Nguyen et al., "Turning up the heat", 2024). */
  minP?: Node
  /** (B,1): divides the positive and multiplies the negative logits of tokens in `seen` (Keskar et al., "CTRL", 2019). */
  penalty?: Node
  /** (B,V) bool: the tokens of the prompt and of the answer so far. */
  seen?: Node
  /** (B,V): added to the logits. */
  bias?: Node
  /** (B,1): taken from the logits of tokens that the answer has, and from those of each for each time that it has it: OpenAI's presence and frequency penalty. */
  presence?: Node
  frequency?: Node
  /** (B,V): how often the answer so far has each token; those of the prompt do not count. */
  counts?: Node
  /** (B,V) bool: the tokens that may come next. */
  allowed?: Node
}

export function samplerInputs(
  { choice, penalised, biased, masked }: SamplerShape,
  B: number,
  V: number,
): SamplerInputs {
  return {
    ...(choice !== 'greedy' && { temperature: input('temperature', [B, 1]) }),
    ...(choice === 'filtered' && {
      topK: input('topK', [B, 1], 'i32', { below: V + 1 }),
      topP: input('topP', [B, 1]),
      minP: input('minP', [B, 1]),
    }),
    ...(penalised && { penalty: input('penalty', [B, 1]), seen: input('seen', [B, V], 'bool') }),
    ...(biased && {
      bias: input('bias', [B, V]),
      presence: input('presence', [B, 1]),
      frequency: input('frequency', [B, 1]),
      counts: input('counts', [B, V]),
    }),
    ...(masked && { allowed: input('allowed', [B, V], 'bool') }),
  }
}

export interface SampledToken {
  /** (B,1) i32. */
  token: Node
  /** (B,1): its natural log-probability of the model: at temperature 1, before penalty, mask and filters. */
  logProbability: Node
  /** The model's most likely tokens (B,top) i32 and their log-probabilities. */
  top?: { tokens: Node; logProbabilities: Node }
  /** `seen` and `counts`, with the new token. */
  seen?: Node
  counts?: Node
}

/** Far below any logit, but finite. */
const FORBIDDEN = -1e9

/**
 * Samples a token for each row of logits (B,V): penalties and biases, mask, temperature, filters, then the token at which the cumulative
 * distribution exceeds `uniform` (B,1); at temperature 0 the most likely token. Every filter sees the whole distribution
 * after temperature. The settings of one row do not change a single bit of the others.
 */
export function sampleToken(logits: Node, uniform: Node, { top }: SamplerShape, inputs: SamplerInputs): SampledToken {
  const [B, V] = logits.shape as [number, number]
  const { temperature, penalty, seen, counts, allowed } = inputs
  const penalised = penalty && seen ? where(seen, penalise(logits, penalty), logits) : logits
  const biased = addBiases(penalised, inputs)
  const scores = allowed ? where(allowed, biased, FORBIDDEN) : biased
  const mostLikely = reshape(argmax(scores), [B, 1])
  const token = temperature
    ? where(less(0, temperature), sampled(scores, uniform, temperature, inputs), mostLikely)
    : mostLikely
  const own = logSoftmax(logits)
  return {
    token,
    logProbability: gatherElements(own, token),
    ...(top > 0 && { top: topOf(own, top) }),
    ...(seen && { seen: or(seen, isToken(token, V)) }),
    ...(counts && { counts: add(counts, cast(isToken(token, V), 'f32')) }),
  }
}

/** (B,V) bool: true at the token of each row. */
const isToken = (token: Node, V: number): Node =>
  equal(
    constant(
      Int32Array.from({ length: V }, (_, id) => id),
      [1, V],
    ),
    token,
  )

/** As OpenAI's API defines them: logit + bias − frequency · count − presence · (count > 0). */
function addBiases(scores: Node, { bias, presence, frequency, counts }: SamplerInputs): Node {
  if (!bias || !presence || !frequency || !counts) return scores
  const repeated = add(mul(counts, frequency), mul(cast(less(0, counts), 'f32'), presence))
  return add(scores, sub(bias, repeated))
}

/** Logits after the repetition penalty p: x / p above 0, x · p below. */
const penalise = (scores: Node, penalty: Node): Node =>
  where(less(scores, 0), mul(scores, penalty), div(scores, penalty))

function sampled(scores: Node, uniform: Node, temperature: Node, inputs: SamplerInputs): Node {
  const V = scores.shape[1]!
  const shares = softmax(div(scores, maximum(temperature, 1e-6)))
  const cumulative = cumsum(filtered(shares, inputs)) // (B,V)
  const total = slice(cumulative, 1, V - 1, V)
  // Slightly below the total, so that rounding never goes beyond the last possible token.
  const level = mul(uniform, mul(total, 1 - 1e-6))
  const passed = cast(sum(cast(not(less(level, cumulative)), 'f32'), [-1]), 'i32') // (B,1)
  return where(less(passed, V), passed, constant(Int32Array.of(V - 1), []))
}

/** The probabilities, with those of excluded tokens set to 0. Tokens that tie with the last one kept are also kept. */
function filtered(shares: Node, { topK, topP, minP }: SamplerInputs): Node {
  if (!topK || !topP || !minP) return shares
  const sorted = sortedTop(shares, shares.shape[1]!).values
  const before = sub(cumsum(sorted), sorted)
  const least = neg(max(where(less(before, topP), neg(sorted), -1), [-1])) // (B,1)
  const place = maximum(sub(topK, constant(Int32Array.of(1), [])), constant(Int32Array.of(0), []))
  const threshold = maximum(maximum(least, gatherElements(sorted, place)), mul(minP, max(shares, [-1])))
  return where(less(shares, threshold), 0, shares)
}

function topOf(logProbabilities: Node, count: number) {
  const { values, indices } = sortedTop(logProbabilities, count)
  return { tokens: cast(indices, 'i32'), logProbabilities: values }
}

/** The `count` largest values of each row, in descending order. */
function sortedTop(x: Node, count: number): { values: Node; indices: Node } {
  const shape = [x.shape[0]!, count]
  const results = [{ shape, dtype: 'f32' } as const, { shape, dtype: 'i64' } as const]
  const [values, indices] = custom('TopK', [x, constant(BigInt64Array.of(BigInt(count)), [1])], results) as [Node, Node]
  return { values, indices }
}
