// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { dtypes, encoders } from './dtypes.ts'

const everyWord = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits)
const bytes = (words: Uint16Array) => new Uint8Array(words.buffer, words.byteOffset, words.byteLength)

/** All values of a 16-bit type, decoded. */
function decodeAll(dtype: 'F16' | 'BF16'): Float32Array {
  const out = new Float32Array(0x10000)
  dtypes[dtype].decode(bytes(everyWord), out)
  return out
}

describe.each(['F16', 'BF16'] as const)('%s', (dtype) => {
  const values = decodeAll(dtype)
  const encodeOne = (value: number) => {
    const encoded = encoders[dtype].encode(Float32Array.of(value))
    return must(encoded[0]) | (must(encoded[1]) << 8)
  }

  test('every value survives decoding and encoding, bit for bit except NaN', () => {
    const again = new Uint16Array(encoders[dtype].encode(values).slice().buffer)
    for (let bits = 0; bits < 0x10000; bits++) {
      if (Number.isNaN(values[bits])) expect(values[must(again[bits])]).toBeNaN()
      else if (again[bits] !== bits) expect.fail(`${bits} became ${again[bits]}`)
    }
  })

  test('rounds to the nearest value, ties to even, on every midpoint and beside it', () => {
    const infinity = dtype === 'F16' ? 0x7c00 : 0x7f80
    for (let bits = 0; bits < infinity - 1; bits++) {
      const [value, next] = [must(values[bits]), must(values[bits + 1])]
      const middle = (value + next) / 2
      const below = Math.fround(middle * (1 - 2 ** -22))
      const above = Math.fround(middle * (1 + 2 ** -22))
      if (Math.fround(middle) === middle) {
        const even = bits % 2 === 0 ? bits : bits + 1
        if (encodeOne(middle) !== even) expect.fail(`${middle} became ${encodeOne(middle)}, not ${even}`)
        if (encodeOne(-middle) !== (even | 0x8000)) expect.fail(`-${middle} rounds differently`)
      }
      if (below > value && below < middle && encodeOne(below) !== bits) expect.fail(`${below} rose`)
      if (above < next && above > middle && encodeOne(above) !== bits + 1) expect.fail(`${above} fell`)
    }
  })

  test('random floats are encoded to the nearest value', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const bits = encodeOne(value)
        const got = must(values[bits])
        if (!Number.isFinite(got)) {
          expect(Math.abs(value)).toBeGreaterThanOrEqual(dtype === 'F16' ? 65520 : 3.39e38)
          return
        }
        for (const near of [bits - 1, bits + 1]) {
          const other = must(values[near & 0xffff])
          if (Number.isFinite(other)) expect(Math.abs(got - value)).toBeLessThanOrEqual(Math.abs(other - value))
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('integers', () => {
  test('are read exactly or refused', () => {
    const out = new Float32Array(3)
    dtypes.I64.decode(new Uint8Array(BigInt64Array.of(-5n, 0n, 2n ** 40n).buffer), out)
    expect([...out]).toEqual([-5, 0, 2 ** 40])
    dtypes.I32.decode(new Uint8Array(Int32Array.of(-1, 2 ** 24, 7).buffer), out)
    expect([...out]).toEqual([-1, 2 ** 24, 7])
    expect(() => dtypes.I32.decode(new Uint8Array(Int32Array.of(2 ** 24 + 1).buffer), out)).toThrow('16777217')
    expect(() => dtypes.U64.decode(new Uint8Array(BigUint64Array.of(2n ** 64n - 1n).buffer), out)).toThrow('exactly')
  })

  test('are read from an unaligned place', () => {
    const raw = new Uint8Array(9)
    raw.set(new Uint8Array(Int32Array.of(3, -4).buffer), 1)
    const out = new Float32Array(2)
    dtypes.I32.decode(raw.subarray(1), out)
    expect([...out]).toEqual([3, -4])
  })
})
