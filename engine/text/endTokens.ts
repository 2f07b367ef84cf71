import type { ModelConfig } from '#engine/model/config.ts'
import type { Tokenizer } from './tokenizer.ts'

/**
 * The tokens that end an answer: all that the tokenizer, config.json and generation_config.json name, since published models name them in
 * different places (Llama 3 Instruct ends its answers with a token that only generation_config.json lists). The first one closes the
 * completions of training rows: the tokenizer's, if it names one.
 * @throws Error that names the token which the model does not have.
 */
export function endTokens(
  tokenizer: Pick<Tokenizer, 'eosId'>,
  config: Pick<ModelConfig, 'eos_token_id' | 'vocab_size'>,
  generationConfig: { eos_token_id?: unknown } = {},
): number[] {
  const generation = [generationConfig.eos_token_id ?? []].flat()
  for (const id of [...config.eos_token_id, ...generation])
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= config.vocab_size)
      throw new Error(
        `eos_token_id ${JSON.stringify(id)} is not a token of the model, whose vocab_size is ${config.vocab_size}. Correct config.json or generation_config.json.`,
      )
  return [
    ...new Set([...(tokenizer.eosId === null ? [] : [tokenizer.eosId]), ...config.eos_token_id, ...generation]),
  ] as number[]
}
