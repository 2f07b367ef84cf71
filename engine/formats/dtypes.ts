// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

/** One element type of safetensors: its size and its conversion to 32-bit floats. */
export type ElementType = { bytes: number; decode: (bytes: Uint8Array, out: Float32Array) => void }

/** The element types that can be read; others (8-bit floats, complex numbers) are not supported. */
export const dtypes = {
  F64: { bytes: 8, decode: (bytes, out) => out.set(view(Float64Array, bytes)) },
  F32: { bytes: 4, decode: (bytes, out) => out.set(view(Float32Array, bytes)) },
  F16: { bytes: 2, decode: decodeHalf },
  BF16: { bytes: 2, decode: decodeBfloat16 },
  I64: { bytes: 8, decode: (bytes, out) => setExactly(view(BigInt64Array, bytes), out) },
  U64: { bytes: 8, decode: (bytes, out) => setExactly(view(BigUint64Array, bytes), out) },
  I32: { bytes: 4, decode: (bytes, out) => setExactly(view(Int32Array, bytes), out) },
  U32: { bytes: 4, decode: (bytes, out) => setExactly(view(Uint32Array, bytes), out) },
  I16: { bytes: 2, decode: (bytes, out) => out.set(view(Int16Array, bytes)) },
  U16: { bytes: 2, decode: (bytes, out) => out.set(view(Uint16Array, bytes)) },
  I8: { bytes: 1, decode: (bytes, out) => out.set(view(Int8Array, bytes)) },
  U8: { bytes: 1, decode: (bytes, out) => out.set(bytes) },
  BOOL: { bytes: 1, decode: (bytes, out) => out.set(bytes) },
} satisfies Record<string, ElementType>

export const elementTypeOf = (name: string): ElementType | undefined =>
  Object.hasOwn(dtypes, name) ? dtypes[name as keyof typeof dtypes] : undefined

/** The element types that can be written. */
export type FloatDtype = 'F32' | 'F16' | 'BF16'

/** Rounds to the nearest representable value, ties to even; F16 rounds values beyond ±65504 to infinities. */
export const encoders: Record<FloatDtype, { bytes: number; encode: (data: Float32Array) => Uint8Array }> = {
  F32: { bytes: 4, encode: (data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength) },
  F16: { bytes: 2, encode: (data) => bytesOf(roundBits(data, halfBits)) },
  BF16: { bytes: 2, encode: (data) => bytesOf(roundBits(data, bfloat16Bits)) },
}

if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
  throw new Error('Weight files are little-endian; this big-endian processor is not supported.')
}

type ViewClass<A> = { new (buffer: ArrayBufferLike, offset: number, length: number): A; BYTES_PER_ELEMENT: number }

function view<A>(Class: ViewClass<A>, bytes: Uint8Array): A {
  const aligned = bytes.byteOffset % Class.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice()
  return new Class(aligned.buffer, aligned.byteOffset, aligned.byteLength / Class.BYTES_PER_ELEMENT)
}

function bytesOf(data: Uint16Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function setExactly(values: ArrayLike<number | bigint>, out: Float32Array): void {
  for (let i = 0; i < values.length; i++) {
    out[i] = Number(values[i])
    if (BigInt(out[i]!) !== BigInt(values[i]!)) {
      throw new Error(`contains the integer ${values[i]}, which a 32-bit float cannot represent exactly`)
    }
  }
}

let halfValues: Float32Array | undefined

/** All 65,536 half-precision values (IEEE 754 binary16) by their bits. */
function halfTable(): Float32Array {
  return (halfValues ??= Float32Array.from({ length: 0x10000 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1
    const exponent = (bits >> 10) & 31
    const fraction = bits & 0x3ff
    if (exponent === 31) return fraction ? Number.NaN : sign * Infinity
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction)
  }))
}

function decodeHalf(bytes: Uint8Array, out: Float32Array): void {
  const table = halfTable()
  const bits = view(Uint16Array, bytes)
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]!]!
}

function decodeBfloat16(bytes: Uint8Array, out: Float32Array): void {
  const bits = view(Uint16Array, bytes)
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length)
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16
}

function roundBits(data: Float32Array, round: (bits: number) => number): Uint16Array {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length)
  const out = new Uint16Array(words.length)
  for (let i = 0; i < words.length; i++) out[i] = round(words[i]!)
  return out
}

function bfloat16Bits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40 // a NaN stays a NaN
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16
}

function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00 // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00 // rounds to 65520 or beyond: infinity
  if (magnitude < 0x38800000) {
    // Below 2^-14 the half-precision values are 2^-24 apart. Adding 0.5 aligns this grid with the last bits of the float
    // and rounds.
    scratch[0] = magnitude
    scratchFloat[0]! += 0.5
    return sign | (scratch[0]! - 0x3f000000)
  }
  const rebiased = magnitude - 0x38000000
  return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13)
}

const scratch = new Uint32Array(1)
const scratchFloat = new Float32Array(scratch.buffer)

/** @throws Error at the first NaN or infinity. */
export function checkFiniteWeights(data: Float32Array): void {
  for (let i = 0; i < data.length; i++) {
    if (data[i]! - data[i]! !== 0) throw new Error(`contains ${data[i]}; the model is broken, or pass allowNonFinite`)
  }
}

/** @throws Error where rounding would make an infinity of a finite value. */
export function checkRepresentable(data: Float32Array, dtype: 'F16' | 'BF16'): void {
  const limit = dtype === 'F16' ? 65520 : 1.99609375 * 2 ** 127 // the smallest magnitudes that round to infinity
  for (let i = 0; i < data.length; i++) {
    if (Math.abs(data[i]!) >= limit) throw new Error(`contains ${data[i]}, beyond ${dtype}; write it as F32`)
  }
}
