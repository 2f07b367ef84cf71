/** Rule 10 (reward map): Keccak-256 for millions of short inputs. The permutation Keccak-f[1600] is a small WebAssembly module, written out here
 *  instruction by instruction, because a 64-bit rotation is a single instruction there. It is about ten times as fast as
 *  implementations in 32-bit JavaScript arithmetic. Follows the Keccak reference (Bertoni, Daemen, Peeters, Van Assche, 2011). */
// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

/** 32-bit words absorbed per permutation (136 bytes). */
const RATE = 34

/**
 * Hashes `words` 32-bit words of `input`, starting at `from`, and writes the 8 words of the hash to `output` at `at`. Words hold bytes in
 * memory order, so a view over bytes can be passed.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { keccak256Into } from '#rules/keccak.ts'
 *
 * const hash = new Uint32Array(8)
 * keccak256Into(new Uint32Array(0), 0, 0, hash, 0) // the empty input
 * assert.equal(Buffer.from(hash.buffer).toString('hex').slice(0, 16), 'c5d2460186f7233c')
 * ```
 */
export function keccak256Into(input: Uint32Array, from: number, words: number, output: Uint32Array, at: number): void {
  state.fill(0)
  for (; words >= RATE; words -= RATE, from += RATE) {
    for (let i = 0; i < RATE; i++) state[i]! ^= input[from + i]!
    permute()
  }
  for (let i = 0; i < words; i++) state[i]! ^= input[from + i]!
  stateBytes[4 * words]! ^= 0x01
  stateBytes[4 * RATE - 1]! ^= 0x80
  permute()
  for (let i = 0; i < 8; i++) output[at + i] = state[i]!
}

// The module: its memory holds the 25 lanes of the state at 0 and the 24 round constants at CONSTANTS.

const CONSTANTS = 256
const ROUNDS = 24

/** Instructions, by their names in the WebAssembly specification. */
const get = (local: number) => [0x20, local]
const set = (local: number) => [0x21, local]
const load = (offset: number) => [0x29, 3, ...unsigned(offset)]
const store = (offset: number) => [0x37, 3, ...unsigned(offset)]
const xor = [0x85]
const and = [0x83]
const i32 = (value: number) => [0x41, ...signed(BigInt(value))]
const i64 = (value: bigint) => [0x42, ...signed(value)]
const rotl = (bits: number) => [...i64(BigInt(bits)), 0x89]

/** Local variables: the counter (an i32), then lanes A, their moved copies B, column parities C. */
const POINTER = 0
const A = (x: number, y: number) => 1 + (x % 5) + 5 * (y % 5)
const B = (x: number, y: number) => 26 + (x % 5) + 5 * (y % 5)
const C = (x: number) => 51 + (x % 5)

const FIVE = [0, 1, 2, 3, 4]
const lanes = FIVE.flatMap((y) => FIVE.map((x) => [x, y] as const))

function body(): number[] {
  const offsets = rotations()
  const theta = [
    ...FIVE.flatMap((x) => [...get(A(x, 0)), ...[1, 2, 3, 4].flatMap((y) => [...get(A(x, y)), ...xor]), ...set(C(x))]),
    ...lanes.flatMap(([x, y]) => [
      ...get(A(x, y)),
      ...get(C(x + 4)),
      ...xor,
      ...get(C(x + 1)),
      ...rotl(1),
      ...xor,
      ...set(A(x, y)),
    ]),
  ]
  const rhoPi = lanes.flatMap(([x, y]) => [...get(A(x, y)), ...rotl(offsets[x + 5 * y]!), ...set(B(y, 2 * x + 3 * y))])
  const chi = lanes.flatMap(([x, y]) => [
    ...get(B(x, y)),
    ...get(B(x + 1, y)),
    ...i64(-1n),
    ...xor,
    ...get(B(x + 2, y)),
    ...and,
    ...xor,
    ...set(A(x, y)),
  ])
  const iota = [...get(A(0, 0)), ...get(POINTER), ...load(CONSTANTS), ...xor, ...set(A(0, 0))]
  const next = [...get(POINTER), ...i32(8), 0x6a, 0x22, POINTER, ...i32(8 * ROUNDS), 0x49, 0x0d, 0]
  return [
    ...lanes.flatMap(([x, y]) => [...i32(0), ...load(8 * (x + 5 * y)), ...set(A(x, y))]),
    ...[0x03, 0x40, ...theta, ...rhoPi, ...chi, ...iota, ...next, 0x0b],
    ...lanes.flatMap(([x, y]) => [...i32(0), ...get(A(x, y)), ...store(8 * (x + 5 * y))]),
    0x0b,
  ]
}

/** Rotation of each lane: triangular numbers along the walk (x, y) → (y, 2x + 3y). */
function rotations(): number[] {
  const offsets = new Array<number>(25).fill(0)
  let [x, y] = [1, 0]
  for (let t = 0; t < 24; t++) {
    offsets[x + 5 * y] = (((t + 1) * (t + 2)) / 2) % 64
    ;[x, y] = [y, (2 * x + 3 * y) % 5]
  }
  return offsets
}

/** Round constants: bit 2^j − 1 of round i is output 7i + j of the shift register x⁸ + x⁶ + x⁵ + x⁴ + 1. */
function roundConstants(): bigint[] {
  let register = 1
  return Array.from({ length: ROUNDS }, () => {
    let constant = 0n
    for (let j = 0; j < 7; j++) {
      if (register & 1) constant |= 1n << (2n ** BigInt(j) - 1n)
      register = register & 0x80 ? ((register << 1) ^ 0x171) & 0xff : register << 1
    }
    return constant
  })
}

function moduleBytes(): Uint8Array {
  const section = (id: number, content: number[]) => [id, ...unsigned(content.length), ...content]
  const code = [2, 1, 0x7f, 55, 0x7e, ...body()]
  const name = (text: string) => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('permute'), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ])
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

function signed(value: bigint): number[] {
  const low = Number(value & 0x7fn)
  const rest = value >> 7n
  const done = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)
  return done ? [low] : [low | 0x80, ...signed(rest)]
}

/** The part of the WebAssembly interface that is used here. Node and browsers have it; the types of ES2023 do not. */
type Wasm = {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { exports: { memory: { buffer: ArrayBuffer }; permute: () => void } }
}
const wasm = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly
const { memory, permute } = new wasm.Instance(new wasm.Module(moduleBytes())).exports
const state = new Uint32Array(memory.buffer, 0, 50)
const stateBytes = new Uint8Array(memory.buffer, 0, 200)
new BigUint64Array(memory.buffer, CONSTANTS, ROUNDS).set(roundConstants())
