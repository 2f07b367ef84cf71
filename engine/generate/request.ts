import type { Weights } from '#engine/formats/weights.ts'
import type { Grammar } from '#engine/grammar/grammar.ts'
import type { ModelConfig } from '#engine/model/config.ts'

/** How tokens are chosen. */
export interface Sampling {
  /** Most new tokens. */
  maxTokens: number
  /** 0 (the default) takes the likeliest token. */
  temperature?: number
  /** Draws among so many of the likeliest tokens. */
  topK?: number
  /** Draws among the likeliest tokens that together have this probability, above 0. */
  topP?: number
  /** Draws among tokens with at least this share of the likeliest one's probability. */
  minP?: number
  /** Makes tokens of the prompt and of the answer less likely: above 1. Default 1, as transformers has it. */
  repetitionPenalty?: number
  /** Of this request alone: whatever else is in the batch, the same seed gives the same tokens. Default 0. */
  seed?: number | string
  /** So many of the likeliest tokens are told beside each one chosen, up to `MAX_TOP_LOG_PROBABILITIES`. */
  topLogProbabilities?: number
}

/** One text to continue. */
export interface GenerationRequest extends Sampling {
  prompt: ArrayLike<number>
  /** An adapter of the generator's configuration; rows of a batch may have different ones. Default: none. */
  adapter?: Weights
  /** What the answer must look like. */
  grammar?: Grammar
}

/** Most tokens that may be told beside the one chosen. */
export const MAX_TOP_LOG_PROBABILITIES = 20

export interface TopToken {
  token: number
  logProbability: number
}

/** One token of an answer, as it comes. */
export interface TokenStep {
  token: number
  /** Whether it is the end token, which is no part of the answer. */
  end: boolean
  /** Natural log-probability under the model itself: at temperature 1, before penalty, filters and grammar. */
  logProbability: number
  /** The likeliest tokens, in falling order, if asked for. */
  top?: readonly TopToken[]
  /** Set on the last step. `stop`: the end token came, or the answer is what the grammar asks for; `length`: cut for want of room. */
  finish?: Finish
}

export type Finish = 'stop' | 'length'

export interface Generation {
  /** New tokens, without the one that ended them. */
  tokens: number[]
  /** Natural log-probability of every chosen token at temperature 1, the ending one's included. */
  logProbabilities: number[]
  /** For every chosen token, if asked for. */
  top?: (readonly TopToken[])[]
  finish: Finish
}

/** @throws Error that names the request by `index` and says what does not fit the model. */
export function checkRequest(request: GenerationRequest, config: ModelConfig, index: number): void {
  const { prompt, maxTokens, temperature = 0, topK = 1, topP = 1, minP = 0 } = request
  const { repetitionPenalty = 1, topLogProbabilities = 0 } = request
  const { max_position_embeddings: room, vocab_size: vocabulary } = config
  const refuse = (what: string): never => {
    throw new Error(`Request ${index} ${what}`)
  }
  if (prompt.length === 0) refuse('has an empty prompt; give it at least one token.')
  if (!(Number.isInteger(maxTokens) && maxTokens >= 1)) refuse(`asks for ${maxTokens} tokens; ask for at least 1.`)
  if (prompt.length + maxTokens > room)
    refuse(
      `has ${prompt.length} tokens and asks for ${maxTokens} new ones, which pass the model's ${room}. Shorten the prompt or ask for fewer.`,
    )
  if (!(temperature >= 0 && Number.isFinite(temperature)))
    refuse(`has temperature ${temperature}; it must be 0 or more.`)
  if (!(Number.isInteger(topK) && topK >= 1)) refuse(`has topK ${topK}; it is a whole number from 1.`)
  if (!(topP > 0 && topP <= 1)) refuse(`has topP ${topP}; it lies above 0, up to 1.`)
  if (!(minP >= 0 && minP <= 1)) refuse(`has minP ${minP}; it lies from 0 to 1.`)
  if (!(repetitionPenalty > 0 && Number.isFinite(repetitionPenalty)))
    refuse(`has repetitionPenalty ${repetitionPenalty}; it must be above 0, and 1 means none.`)
  const most = Math.min(MAX_TOP_LOG_PROBABILITIES, vocabulary)
  if (!(Number.isInteger(topLogProbabilities) && topLogProbabilities >= 0 && topLogProbabilities <= most))
    refuse(`has topLogProbabilities ${topLogProbabilities}; it is a whole number from 0 to ${most}.`)
  for (let t = 0; t < prompt.length; t++)
    if (!(prompt[t]! >= 0 && prompt[t]! < vocabulary))
      refuse(`has token ${prompt[t]}; the vocabulary has ${vocabulary}.`)
}
