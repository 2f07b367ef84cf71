import { expect, test } from 'vitest'
import { endTokens } from './endTokens.ts'

const model = (eos_token_id: number[]) => ({ eos_token_id, vocab_size: 128_256 })

test('an answer ends at every token that the tokenizer, config.json or generation_config.json names', () => {
  // Llama 3 Instruct: <|end_of_text|> in the tokenizer, <|eot_id|> in generation_config.json only.
  expect(endTokens({ eosId: 128_001 }, model([128_001]), { eos_token_id: [128_001, 128_009] })).toEqual([
    128_001, 128_009,
  ])
  expect(endTokens({ eosId: 128_009 }, model([128_001, 128_008, 128_009]))).toEqual([128_009, 128_001, 128_008])
  expect(endTokens({ eosId: null }, model([]), { eos_token_id: 7 })).toEqual([7])
  expect(endTokens({ eosId: null }, model([]))).toEqual([])
})

test.each([128_256, -1, 1.5, '</s>'])('an end token that the model does not have is refused: %j', (id) => {
  expect(() => endTokens({ eosId: 1 }, model([]), { eos_token_id: [1, id] })).toThrow(
    `eos_token_id ${JSON.stringify(id)} is not a token of the model`,
  )
})
