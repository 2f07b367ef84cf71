import { charToByte } from './byteAlphabet.ts'

/**
 * The bytes an ordinary token stands for, from its spelling: over the byte alphabet for byte-level tokenizers, else
 * with `▁` for a space and `<0x0A>` for a single byte, as SentencePiece has it.
 */
export function tokenToBytes(token: string, byteLevel: boolean): Uint8Array {
  if (byteLevel) {
    return Uint8Array.from(token, (char) => {
      const byte = charToByte.get(char)
      if (byte === undefined) throw new Error(`The token ${JSON.stringify(token)} is not spelt in the byte alphabet.`)
      return byte
    })
  }
  const single = /^<0x([0-9A-F]{2})>$/.exec(token)
  if (single) return Uint8Array.of(Number.parseInt(single[1], 16))
  return new TextEncoder().encode(token.replaceAll('▁', ' '))
}

/** Whether a tokenizer's decoder reads tokens in the byte alphabet. */
export function hasByteLevelDecoder(decoder: unknown): boolean {
  const { type, decoders } = (decoder ?? {}) as { type?: string; decoders?: unknown[] }
  return type === 'ByteLevel' || (type === 'Sequence' && Array.isArray(decoders) && decoders.some(hasByteLevelDecoder))
}
