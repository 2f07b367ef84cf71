import type { Tokenizer } from './tokenizer.ts'

/**
 * Decodes a stream of tokens to text. It holds bytes back until they form whole characters.
 * Invariant for byte-level tokenizers: the concatenated results of `push` and `flush` equal `tokenizer.decode` of all tokens.
 * For other tokenizers this is true if the bytes are valid UTF-8.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { TextStream } from '#engine/text/textStream.ts'
 * import { Tokenizer } from '#engine/text/tokenizer.ts'
 * import { trainTokenizer } from '#engine/text/trainTokenizer.ts'
 *
 * const tokenizer = new Tokenizer(trainTokenizer([], { vocabSize: 260 })) // 4 special tokens and the 256 bytes
 * const stream = new TextStream(tokenizer)
 * const pieces = Array.from(tokenizer.encode('a é'), (id) => stream.push(id))
 * assert.deepEqual(pieces, ['a', ' ', '', 'é']) // é has two bytes
 * assert.equal(stream.flush(), '')
 * ```
 */
export class TextStream {
  private readonly next: { push(id: number): string; flush(): string }

  constructor(tokenizer: Tokenizer, { skipSpecial = false } = {}) {
    this.next = tokenizer.byteLevel ? new ByteStream(tokenizer, skipSpecial) : new ContextStream(tokenizer, skipSpecial)
  }

  /** The text that this token completes; empty while a character is incomplete. */
  push(id: number): string {
    return this.next.push(id)
  }

  /** The remaining text, with U+FFFD for bytes of an incomplete character. */
  flush(): string {
    return this.next.flush()
  }
}

/** For byte-level tokenizers: tokens are bytes, and an added token ends the text before it. */
class ByteStream {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly skipSpecial: boolean,
  ) {}

  push(id: number): string {
    if (this.skipSpecial && this.tokenizer.specialIds.has(id)) return ''
    const bytes = this.tokenizer.tokenBytes(id)
    if (this.tokenizer.isAdded(id)) return this.flush() + new TextDecoder().decode(bytes)
    return this.decoder.decode(bytes, { stream: true })
  }

  flush(): string {
    return this.decoder.decode()
  }
}

/** For other tokenizers: decodes again from the last emitted token, so that spaces between tokens are correct. */
class ContextStream {
  private ids: number[] = []
  private emitted = 0

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly skipSpecial: boolean,
  ) {}

  push(id: number): string {
    this.ids.push(id)
    const text = this.tail()
    // A character has at most four bytes, and each may be a token. After four tokens an invalid character stays invalid.
    if (text.endsWith('\ufffd') && this.ids.length - this.emitted < 4) return ''
    this.ids = this.ids.slice(this.emitted)
    this.emitted = this.ids.length
    return text
  }

  flush(): string {
    const text = this.tail()
    this.emitted = this.ids.length
    return text
  }

  private tail(): string {
    const { skipSpecial } = this
    const context = this.tokenizer.decode(this.ids.slice(0, this.emitted), { skipSpecial })
    return this.tokenizer.decode(this.ids, { skipSpecial }).slice(context.length)
  }
}
