import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { checkTokenizerFiles } from './checkTokenizer.ts'
import { hasByteLevelDecoder, tokenToBytes } from './tokenBytes.ts'
import { WordEncoder } from './wordEncoder.ts'

type Json = Record<string, unknown>

/**
 * A Hugging Face tokenizer (`tokenizer.json`, and `tokenizer_config.json` for the names of its special tokens).
 * It is immutable. Decoding keeps every space, as transformers 5 does for models of this family.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { Tokenizer } from '#engine/text/tokenizer.ts'
 * import { trainTokenizer } from '#engine/text/trainTokenizer.ts'
 *
 * const tokenizer = new Tokenizer(trainTokenizer(['low lower lowest', 'new newer'], { vocabSize: 270 }))
 * const ids = tokenizer.encode('the lowest')
 * assert.equal(tokenizer.decode(ids), 'the lowest')
 * tokenizer.checkFits(512) // throws when the model has fewer than 270 embedding rows
 * ```
 */
export class Tokenizer {
  /** One more than the largest id. */
  readonly vocabSize: number
  readonly bosId: number | null
  readonly eosId: number | null
  readonly padId: number | null
  /** Whether tokens are strings of bytes (GPT-2, Llama 3, Qwen) rather than of characters. */
  readonly byteLevel: boolean
  /** Ids of all special tokens. */
  readonly specialIds: ReadonlySet<number>
  /** Texts of the special tokens, longest first. */
  readonly specialTokens: readonly string[]

  private readonly full: HuggingFaceTokenizer
  private readonly encodeFull: (text: string) => ArrayLike<number | undefined>
  /** Like `encodeFull`, but without special tokens; built on first use. */
  private encodePlain: ((text: string) => ArrayLike<number | undefined>) | undefined
  private readonly addedIds: ReadonlySet<number>
  private starts: readonly number[] | undefined

  /** @throws Error that names the fault when the files are not a valid tokenizer. */
  constructor(private readonly files: { tokenizer: Json; tokenizerConfig?: Json }) {
    const { vocabSize, added } = checkTokenizerFiles(files.tokenizer)
    this.vocabSize = vocabSize
    this.byteLevel = hasByteLevelDecoder(files.tokenizer.decoder)
    this.full = build(files.tokenizer, files.tokenizerConfig)
    this.encodeFull = this.encoderOf(this.full, files.tokenizer)
    const special = added.filter((token) => token.special)
    this.addedIds = new Set(added.map(({ id }) => id))
    this.specialIds = new Set(special.map(({ id }) => id))
    this.specialTokens = special.map(({ content }) => content).sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
    this.bosId = this.named('bos_token')
    this.eosId = this.named('eos_token')
    this.padId = this.named('pad_token')
  }

  /**
   * Token ids of a text. `addSpecial` adds the tokens that the tokenizer puts around a text (such as a start token).
   * `parseSpecial: false` encodes the text of a special token as ordinary characters: use it for untrusted text.
   */
  encode(text: string, { addSpecial = false, parseSpecial = true } = {}): Int32Array {
    if (addSpecial) {
      const [before, after] = this.wrapping()
      return Int32Array.from([...before, ...this.encode(text, { parseSpecial }), ...after])
    }
    if (text === '') return new Int32Array(0)
    const ids = Int32Array.from((parseSpecial ? this.encodeFull : this.plain())(text), (id) => id ?? -1)
    if (ids.includes(-1))
      throw new Error('The tokenizer has neither a token nor an unknown token for a part of the text.')
    return ids
  }

  /** The text of token ids. Invalid UTF-8 becomes U+FFFD. @throws Error on an id without a token. */
  decode(ids: ArrayLike<number>, { skipSpecial = false } = {}): string {
    const list = Array.from(ids, (id) => this.checked(id))
    if (list.length === 0) return ''
    return this.full.decode(list, { skip_special_tokens: skipSpecial, clean_up_tokenization_spaces: false })
  }

  /** The text of one token in the vocabulary (in the byte alphabet for byte-level tokenizers). */
  tokenText(id: number): string {
    return this.full.id_to_token(this.checked(id)) ?? ''
  }

  /** Whether a token has this id. Some tokenizers have gaps, and many models have more embedding rows than tokens. */
  has(id: number): boolean {
    return this.full.id_to_token(id) !== undefined
  }

  idOf(token: string): number | undefined {
    return this.full.token_to_id(token)
  }

  /** The bytes a token adds to a text; a special token's are those of its spelling. */
  tokenBytes(id: number): Uint8Array {
    const text = this.tokenText(id)
    return this.isAdded(id) ? new TextEncoder().encode(text) : tokenToBytes(text, this.byteLevel)
  }

  /** Whether the token is an added one (special tokens and manually added words) and not one of the BPE vocabulary. */
  isAdded(id: number): boolean {
    return this.addedIds.has(id)
  }

  /** @throws Error when the model's embedding has fewer rows than the tokenizer has ids. */
  checkFits(modelVocabSize: number): void {
    if (this.vocabSize > modelVocabSize) {
      throw new Error(
        `The tokenizer has ids up to ${this.vocabSize - 1} but the model's vocab_size is ${modelVocabSize}: ` +
          'they do not match. Use the tokenizer that was saved with the model.',
      )
    }
  }

  private checked(id: number): number {
    if (!Number.isInteger(id) || !this.has(id)) {
      throw new Error(`${id} is not a token id; ids are from 0 to ${this.vocabSize - 1}.`)
    }
    return id
  }

  private named(field: string): number | null {
    const value = this.files.tokenizerConfig?.[field]
    const text = typeof value === 'string' ? value : (value as { content?: unknown } | null | undefined)?.content
    if (typeof text !== 'string') return null
    const id = this.idOf(text)
    if (id === undefined) throw new Error(`The tokenizer's ${field} ${JSON.stringify(text)} is not in its vocabulary.`)
    return id
  }

  private plain(): (text: string) => ArrayLike<number | undefined> {
    if (this.encodePlain) return this.encodePlain
    const added = (this.files.tokenizer.added_tokens as { special?: boolean }[] | undefined) ?? []
    const json = { ...this.files.tokenizer, added_tokens: added.filter((token) => !token.special) }
    return (this.encodePlain = this.encoderOf(build(json, this.files.tokenizerConfig), json))
  }

  private encoderOf(tokenizer: HuggingFaceTokenizer, json: Json): (text: string) => ArrayLike<number | undefined> {
    if (this.byteLevel && WordEncoder.fits(json)) {
      const words = new WordEncoder(tokenizer, json)
      return (text) => words.encode(text)
    }
    return (text) => tokenizer.encode(text, { add_special_tokens: false }).ids
  }

  /** What the tokenizer puts before a text, such as a start token. Some tokenizers name a start token and do not use it. */
  get startTokens(): readonly number[] {
    return (this.starts ??= this.wrapping()[0])
  }

  /** The tokens that the tokenizer puts before and after a text, found by encoding one. */
  private wrapping(): [before: number[], after: number[]] {
    const bare = this.full.encode('a', { add_special_tokens: false }).ids
    const wrapped = this.full.encode('a', { add_special_tokens: true }).ids
    const at = wrapped.findIndex((_, i) => bare.every((id, k) => wrapped[i + k] === id))
    return [wrapped.slice(0, at), wrapped.slice(at + bare.length)]
  }
}

function build(tokenizer: Json, config: Json = {}): HuggingFaceTokenizer {
  try {
    return new HuggingFaceTokenizer(tokenizer, config)
  } catch (cause) {
    throw new Error(`The tokenizer cannot be built: ${(cause as Error).message}`, { cause })
  }
}
