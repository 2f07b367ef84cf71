import { byteToChar, wordPattern } from './byteAlphabet.ts'
import { trainBpe } from './trainBpe.ts'

export type TokenizerTraining = {
  /** Number of tokens: special tokens, the 256 bytes, and merged tokens. */
  vocabSize: number
  /** Minimum count of a pair to be merged. Default 2. */
  minCount?: number
  /** End-of-text token. Default `<|end|>`. */
  eos?: string
  /** Padding token; never predicted. Default `<|pad|>`. */
  pad?: string
  /** Start-of-text token, if the model uses one. Default none. */
  bos?: string
  /** More special tokens. Default: the two of the built-in chat template. */
  special?: string[]
  /** Written to the tokenizer's configuration. */
  chatTemplate?: string
}

/** The two files of a Hugging Face tokenizer: `tokenizer.json` and `tokenizer_config.json`. */
export type TokenizerFiles = { tokenizer: Record<string, unknown>; tokenizerConfig: Record<string, unknown> }

/**
 * Trains a byte-level BPE tokenizer like GPT-2's. Every text can be encoded and decodes to itself.
 * Special tokens have the first ids, then the bytes in the order of their characters, then merged tokens by rank.
 * The same texts give the same files; the order of the texts does not matter.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { Tokenizer } from '#engine/text/tokenizer.ts'
 * import { trainTokenizer } from '#engine/text/trainTokenizer.ts'
 *
 * const files = trainTokenizer(['red apple', 'red car', 'red house'], { vocabSize: 262, special: [] })
 * const tokenizer = new Tokenizer(files)
 * assert.equal(tokenizer.encode('red').length, 1) // <|pad|>, <|end|>, 256 bytes, then merges such as "re" and "red"
 * assert.equal(tokenizer.eosId, 1)
 * ```
 */
export function trainTokenizer(texts: Iterable<string>, training: TokenizerTraining): TokenizerFiles {
  const { vocabSize, minCount = 2, eos = '<|end|>', pad = '<|pad|>', bos, chatTemplate } = training
  const named = [pad, eos, ...(bos === undefined ? [] : [bos])]
  const special = [...new Set([...named, ...(training.special ?? ['<|im_start|>', '<|im_end|>'])])]
  if (special.some((token) => token === '')) throw new Error('A special token cannot be empty.')
  const least = special.length + 256
  if (!Number.isSafeInteger(vocabSize) || vocabSize < least || vocabSize > 2 ** 24) {
    throw new Error(
      `vocabSize is ${vocabSize}; it must be from ${least} (256 bytes and ${special.length} special tokens) to 2^24.`,
    )
  }
  if (!Number.isSafeInteger(minCount) || minCount < 1)
    throw new Error(`minCount is ${minCount}; it must be an integer from 1.`)

  const { tokens, merges } = trainBpe(countWords(texts, special), {
    alphabet: [...byteToChar].sort(),
    firstId: special.length,
    size: vocabSize - special.length,
    minCount,
  })
  const text = (id: number) => tokens[id - special.length]
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: special.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: bos === undefined ? null : startWith(bos, special.indexOf(bos)),
      decoder: byteLevel,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries([...special, ...tokens].map((token, id) => [token, id])),
        merges: merges.map(({ left, right }) => [text(left), text(right)]),
      },
    },
    tokenizerConfig: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      clean_up_tokenization_spaces: false,
      eos_token: eos,
      pad_token: pad,
      ...(bos === undefined ? {} : { bos_token: bos }),
      additional_special_tokens: special.filter((token) => !named.includes(token)),
      ...(chatTemplate === undefined ? {} : { chat_template: chatTemplate }),
    },
  }
}

/** Puts a token before every text. */
const startWith = (token: string, id: number) => ({
  type: 'TemplateProcessing',
  single: [{ SpecialToken: { id: token, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
  pair: [
    { SpecialToken: { id: token, type_id: 0 } },
    { Sequence: { id: 'A', type_id: 0 } },
    { Sequence: { id: 'B', type_id: 1 } },
  ],
  special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
})

/** Counts of all words, written in the byte alphabet. Special tokens are not part of words. */
function countWords(texts: Iterable<string>, special: string[]): Map<string, number> {
  const byWord = new Map<string, number>()
  for (const text of texts) {
    for (const section of splitAt(text, special)) {
      for (const [word] of section.matchAll(wordPattern)) byWord.set(word, (byWord.get(word) ?? 0) + 1)
    }
  }
  const encoder = new TextEncoder()
  const counts = new Map<string, number>()
  for (const [word, count] of byWord) {
    const spelt = Array.from(encoder.encode(word), (byte) => byteToChar[byte]).join('')
    counts.set(spelt, (counts.get(spelt) ?? 0) + count)
  }
  return counts
}

/** The parts of a text between the given strings. If several strings match at one position, the longest is used. */
function splitAt(text: string, strings: string[]): string[] {
  const longestFirst = [...strings].sort((a, b) => b.length - a.length)
  return text.split(new RegExp(longestFirst.map((s) => s.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'u'))
}
