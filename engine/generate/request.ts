import type { Weights } from '#engine/formats/weights.ts'
import type { Grammar } from '#engine/grammar/grammar.ts'
import type { ModelConfig } from '#engine/model/config.ts'

/** Sampling parameters. */
export interface Sampling {
  /** Maximum number of new tokens. */
  maxTokens: number
  /** Default 0: greedy, the most likely token. */
  temperature?: number
  /** Samples from this number of the most likely tokens. */
  topK?: number
  /** Samples from the most likely tokens whose total probability reaches this value, above 0 up to 1. */
  topP?: number
  /** Samples from tokens with at least this fraction of the most likely token's probability. */
  minP?: number
  /** Above 1, tokens of the prompt and of the answer become less likely (as in transformers). Default 1: no penalty. */
  repetitionPenalty?: number
  /** Taken from the logits of tokens that the answer has: OpenAI's. Default 0. */
  presencePenalty?: number
  /** Taken from the logits of tokens as often as the answer has them: OpenAI's. Default 0. */
  frequencyPenalty?: number
  /** Added to the logits of tokens, by their ids: OpenAI's, from -100 to 100. Default: none. */
  logitBias?: Record<string, number>
  /** The same seed gives the same tokens, whatever else is in the batch. Default 0. */
  seed?: number | string
  /** Number of most likely tokens to report for each position, up to `MAX_TOP_LOG_PROBABILITIES`. Default 0. */
  topLogProbabilities?: number
}

/** One prompt to continue. */
export interface GenerationRequest extends Sampling {
  prompt: ArrayLike<number>
  /** An adapter of the generator's LoRA configuration; requests in one batch may have different ones. Default: none. */
  adapter?: Weights
  /** A grammar that the answer must satisfy. */
  grammar?: Grammar
  /** Whose: what a text of the same scope and adapter began with is not read again, and the count of such tokens is told, so that other people's texts
   *  must have other scopes. Rounding may then differ from that of a prompt that is read at once. Default: everything is read. */
  cacheScope?: string
}

/** Maximum of `topLogProbabilities`. */
export const MAX_TOP_LOG_PROBABILITIES = 20

export interface TopToken {
  token: number
  logProbability: number
}

/** One token of an answer. */
export interface TokenStep {
  token: number
  /** Whether it is an end token, which is not part of the answer. */
  end: boolean
  /** Natural log-probability of the model: at temperature 1, before penalty, filters and grammar. */
  logProbability: number
  /** The most likely tokens in descending order, if requested. */
  top?: readonly TopToken[]
  /** Tokens of the prompt that were not read again. */
  cachedTokens: number
  /** Set on the last step. `stop`: the end token, or a complete text of the grammar; `length`: maxTokens reached. */
  finish?: Finish
}

export type Finish = 'stop' | 'length'

export interface Generation {
  /** New tokens, without the end token. */
  tokens: number[]
  /** Natural log-probability of every sampled token at temperature 1, including the end token. */
  logProbabilities: number[]
  /** The most likely tokens for every sampled token, if requested. */
  top?: (readonly TopToken[])[]
  finish: Finish
  /** Tokens of the prompt that were not read again. */
  cachedTokens: number
}

/** A request that this model cannot answer. */
export class RequestError extends Error {
  override name = 'RequestError'
}

/** @throws RequestError that names the request by `index` and says what is invalid for this model. */
export function checkRequest(request: GenerationRequest, config: ModelConfig, index: number): void {
  const { prompt, maxTokens, temperature = 0, topK = 1, topP = 1, minP = 0 } = request
  const {
    repetitionPenalty = 1,
    presencePenalty = 0,
    frequencyPenalty = 0,
    logitBias = {},
    topLogProbabilities = 0,
  } = request
  const { max_position_embeddings: room, vocab_size: vocabulary } = config
  const refuse = (what: string): never => {
    throw new RequestError(`Request ${index} ${what}`)
  }
  if (prompt.length === 0) refuse('has an empty prompt; give it at least one token.')
  if (!(Number.isInteger(maxTokens) && maxTokens >= 1)) refuse(`asks for ${maxTokens} tokens; ask for at least 1.`)
  if (prompt.length + maxTokens > room)
    refuse(
      `has ${prompt.length} tokens and asks for ${maxTokens} new ones; together they exceed the model's ${room}. Shorten the prompt or ask for fewer.`,
    )
  if (!(temperature >= 0 && Number.isFinite(temperature)))
    refuse(`has temperature ${temperature}; it must be 0 or more.`)
  if (!(Number.isInteger(topK) && topK >= 1)) refuse(`has topK ${topK}; it must be an integer from 1.`)
  if (!(topP > 0 && topP <= 1)) refuse(`has topP ${topP}; it must be above 0 and at most 1.`)
  if (!(minP >= 0 && minP <= 1)) refuse(`has minP ${minP}; it must be from 0 to 1.`)
  if (!(repetitionPenalty > 0 && Number.isFinite(repetitionPenalty)))
    refuse(`has repetitionPenalty ${repetitionPenalty}; it must be above 0; 1 means no penalty.`)
  if (!(Math.abs(presencePenalty) <= 2 && Math.abs(frequencyPenalty) <= 2))
    refuse(`has the penalties ${presencePenalty} and ${frequencyPenalty}; both must be from -2 to 2.`)
  if (typeof logitBias !== 'object' || logitBias === null || Array.isArray(logitBias))
    refuse('has a logitBias that is no object of tokens and numbers.')
  for (const [token, bias] of Object.entries(logitBias)) {
    if (!/^\d{1,9}$/.test(token) || Number(token) >= vocabulary)
      refuse(`has a bias of token ${token.slice(0, 20)}; the vocabulary has ${vocabulary}.`)
    if (typeof bias !== 'number' || !(Math.abs(bias) <= 100))
      refuse(`has the bias ${bias} of token ${token}; it must be from -100 to 100.`)
  }
  const max = Math.min(MAX_TOP_LOG_PROBABILITIES, vocabulary)
  if (!(Number.isInteger(topLogProbabilities) && topLogProbabilities >= 0 && topLogProbabilities <= max))
    refuse(`has topLogProbabilities ${topLogProbabilities}; it must be an integer from 0 to ${max}.`)
  const bad = Array.from(prompt).find((token) => !(token >= 0 && token < vocabulary))
  if (bad !== undefined) refuse(`has token ${bad}; the vocabulary has ${vocabulary}.`)
}
