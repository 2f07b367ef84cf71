// The parts of the protocol-buffer wire format that ONNX needs: https://protobuf.dev/programming-guides/encoding

export type Bytes = Uint8Array

const encoder = new TextEncoder()

/** Base-128 varint; a negative number is the two's complement of 64 bits, in ten bytes. */
function varint(value: number): Bytes {
  if (value >= 0 && value < 128) return Uint8Array.of(value)
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

export function concatBytes(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

export const integerField = (field: number, value: number): Bytes => concatBytes([varint(field * 8), varint(value)])

export function floatField(field: number, value: number): Bytes {
  const bytes = new Uint8Array(5)
  bytes[0] = field * 8 + 5
  new DataView(bytes.buffer).setFloat32(1, value, true)
  return bytes
}

/** A length-delimited field: text, bytes, or the fields of a message. */
export function field(number: number, content: string | Bytes | readonly Bytes[]): Bytes {
  const bytes =
    typeof content === 'string'
      ? encoder.encode(content)
      : content instanceof Uint8Array
        ? content
        : concatBytes(content)
  return concatBytes([varint(number * 8 + 2), varint(bytes.length), bytes])
}
