import { charToByte } from './byteAlphabet.ts'

/**
 * The bytes of an ordinary token, from its text in the vocabulary: in the byte alphabet for byte-level tokenizers, else in
 * SentencePiece's form, with `▁` for a space and `<0x0A>` for a single byte.
 */
export function tokenToBytes(token: string, byteLevel: boolean): Uint8Array {
  if (byteLevel) {
    return Uint8Array.from(token, (char) => {
      const byte = charToByte.get(char)
      if (byte === undefined)
        throw new Error(`The token ${JSON.stringify(token)} has characters outside the byte alphabet.`)
      return byte
    })
  }
  const single = /^<0x[0-9A-F]{2}>$/.test(token)
  if (single) return Uint8Array.of(Number.parseInt(token.slice(3, 5), 16))
  return new TextEncoder().encode(token.replaceAll('▁', ' '))
}

/** Whether a tokenizer's decoder reads tokens in the byte alphabet. */
export function hasByteLevelDecoder(decoder: unknown): boolean {
  const { type, decoders } = (decoder ?? {}) as { type?: string; decoders?: unknown[] }
  return type === 'ByteLevel' || (type === 'Sequence' && Array.isArray(decoders) && decoders.some(hasByteLevelDecoder))
}
