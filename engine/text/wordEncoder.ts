import type { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { wordPattern } from './byteAlphabet.ts'

type AddedToken = {
  content: string
  special?: boolean
  lstrip?: boolean
  rstrip?: boolean
  single_word?: boolean
  normalized?: boolean
}

type TokenizerJson = {
  added_tokens?: AddedToken[]
  normalizer?: object | null
  pre_tokenizer?: { type?: string; add_prefix_space?: boolean; use_regex?: boolean } | null
  model?: { type?: string }
}

/** Longer words are too rare to cache. */
const maxCachedLength = 64
const maxCachedWords = 1 << 16

/**
 * Encodes exactly like the given Hugging Face tokenizer, but several times faster, because it caches the tokens of words.
 * Only for byte-level BPE, where the tokens of a word do not depend on its context.
 */
export class WordEncoder {
  private readonly cache = new Map<string, readonly (number | undefined)[]>()
  /** Matches added tokens, longest first. */
  private readonly added: RegExp | null
  private readonly plainWords: boolean

  /** Whether this encoder gives exact results for a tokenizer. */
  static fits({ added_tokens: added = [], normalizer, model }: TokenizerJson): boolean {
    const plain = (token: AddedToken) => !token.lstrip && !token.rstrip && !token.single_word
    const unnormalised = (token: AddedToken) => !normalizer || !(token.normalized ?? !token.special)
    return model?.type === 'BPE' && added.every((token) => plain(token) && unnormalised(token))
  }

  constructor(
    private readonly tokenizer: HuggingFaceTokenizer,
    { added_tokens: added = [], pre_tokenizer: words }: TokenizerJson,
  ) {
    const longestFirst = added.map(({ content }) => content).sort((a, b) => b.length - a.length)
    const escaped = longestFirst.map((content) => content.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    this.added = escaped.length ? new RegExp(`(${escaped.join('|')})`) : null
    this.plainWords = words?.type === 'ByteLevel' && !words.add_prefix_space && words.use_regex !== false
  }

  /** Token ids; undefined for text without a token. */
  encode(text: string): (number | undefined)[] {
    const ids: (number | undefined)[] = []
    const sections = this.added ? text.split(this.added) : [text]
    for (const [i, section] of sections.entries()) {
      if (i % 2) ids.push(this.tokenizer.token_to_id(section))
      else if (section) this.encodeSection(section, i, ids)
    }
    return ids
  }

  private encodeSection(section: string, index: number, ids: (number | undefined)[]): void {
    const { normalizer, pre_tokenizer: split } = this.tokenizer
    const text = normalizer ? normalizer(section) : section
    if (!text) return
    const words = this.plainWords
      ? (text.match(wordPattern) ?? [])
      : split
        ? split(text, { section_index: index })
        : [text]
    for (const word of words) for (const id of this.encodeWord(word)) ids.push(id)
  }

  private encodeWord(word: string): readonly (number | undefined)[] {
    const found = this.cache.get(word)
    if (found) return found
    const { model, pre_tokenizer: split } = this.tokenizer
    if (!model) throw new Error('The tokenizer has no model.')
    const ids = model(this.plainWords && split ? split(word) : [word]).map((token) => this.tokenizer.token_to_id(token))
    if (word.length <= maxCachedLength) {
      if (this.cache.size >= maxCachedWords) this.cache.clear()
      this.cache.set(word, ids)
    }
    return ids
  }
}
