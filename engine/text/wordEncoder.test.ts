import { readFileSync } from 'node:fs'
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { trainTokenizer } from './trainTokenizer.ts'
import { WordEncoder } from './wordEncoder.ts'

const corpus = JSON.parse(readFileSync(new URL('./golden/corpus.json', import.meta.url), 'utf8'))
const gpt2 = trainTokenizer(corpus.train, { vocabSize: 420 }).tokenizer
const added = gpt2.added_tokens as { id: number; content: string }[]
const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
const llama3Words =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const split = { type: 'Split', pattern: { Regex: llama3Words }, behavior: 'Isolated', invert: false }

describe.each<[string, Record<string, unknown>]>([
  ['of GPT-2', gpt2],
  [
    'of GPT-2 with a prefix space',
    { ...gpt2, pre_tokenizer: { ...byteLevel, add_prefix_space: true, use_regex: true } },
  ],
  ['of Llama 3', { ...gpt2, pre_tokenizer: { type: 'Sequence', pretokenizers: [split, byteLevel] } }],
  ['of Qwen 2, which composes characters', { ...gpt2, normalizer: { type: 'NFC' } }],
  [
    'with added words',
    {
      ...gpt2,
      added_tokens: [...added, ...['ab', 'abab', '規'].map((content, i) => ({ id: 420 + i, content, special: false }))],
    },
  ],
])('a tokenizer %s', (_, json) => {
  test('gives the same ids word by word as at once', () => {
    expect(WordEncoder.fits(json)).toBe(true)
    const whole = new HuggingFaceTokenizer(json, {})
    const words = new WordEncoder(new HuggingFaceTokenizer(json, {}), json)
    const piece = fc.oneof(
      fc.constantFrom(
        ' ',
        '\n',
        "'s",
        "'",
        '<|end|>',
        '<|im_',
        'ab',
        'abab',
        'the',
        '12345',
        '規則',
        '🙂',
        'e\u0301',
        '\u00a0',
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1 }), (pieces) => {
        const text = pieces.join('') || ' '
        expect(words.encode(text)).toEqual(whole.encode(text, { add_special_tokens: false }).ids)
      }),
      { numRuns: 400 },
    )
  })
})

test('a tokenizer whose added tokens strip spaces or are normalised is not supported', () => {
  const withAdded = (token: object) => ({ ...gpt2, added_tokens: [...added, { id: 420, content: 'x', ...token }] })
  expect(WordEncoder.fits(withAdded({ special: true, lstrip: true }))).toBe(false)
  expect(WordEncoder.fits(withAdded({ special: true, single_word: true }))).toBe(false)
  expect(WordEncoder.fits({ ...withAdded({}), normalizer: { type: 'NFC' } })).toBe(false)
  expect(WordEncoder.fits({ ...gpt2, model: { type: 'Unigram' } })).toBe(false)
})
