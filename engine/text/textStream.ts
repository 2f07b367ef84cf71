import type { Tokenizer } from './tokenizer.ts'

/**
 * Turns tokens that arrive one by one into text, holding back bytes until they are whole characters.
 * Invariant for byte-level tokenizers: all that `push` and `flush` returned, joined, is `tokenizer.decode` of all tokens.
 * For others it holds as long as the bytes are UTF-8.
 */
export class TextStream {
  private readonly next: { push(id: number): string; flush(): string }

  constructor(tokenizer: Tokenizer, { skipSpecial = false } = {}) {
    this.next = tokenizer.byteLevel ? new ByteStream(tokenizer, skipSpecial) : new ContextStream(tokenizer, skipSpecial)
  }

  /** The text this token completes; empty while a character is unfinished. */
  push(id: number): string {
    return this.next.push(id)
  }

  /** The rest, with U+FFFD for bytes that never became a character. */
  flush(): string {
    return this.next.flush()
  }
}

/** Tokens are bytes; added tokens stand between separate texts. */
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

/** Decodes anew from the last emitted token, as context, so that spaces between tokens come out right. */
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
    // A character has at most four bytes, each perhaps a token; what is still broken then stays broken.
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
