import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { repeatedKey } from './header.ts'
import { readSafetensors, SafetensorsFile, writeSafetensors } from './safetensors.ts'
import { elementCount, type Weights } from './weights.ts'

const folder = mkdtempSync(join(tmpdir(), 'safetensors-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'a.safetensors')

const weightsOf = (shapes: Record<string, number[]>): Weights =>
  new Map(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      { shape, data: Float32Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(i) * 10) },
    ]),
  )

function put(bytes: string | Uint8Array): string {
  writeFileSync(path, bytes)
  return path
}

/** A file of these parts, valid or not. */
function forge(header: unknown, data = new Uint8Array(0), length?: bigint): string {
  const json = typeof header === 'string' ? Buffer.from(header) : Buffer.from(JSON.stringify(header))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(length ?? BigInt(json.length))
  writeFileSync(path, Buffer.concat([size, json, data]))
  return path
}

describe('a file written', () => {
  test('has the bytes of the published format', async () => {
    const weights: Weights = new Map([['w', { shape: [1, 2], data: Float32Array.of(1, -2) }]])
    await writeSafetensors(path, weights)
    const bytes = readFileSync(path)
    const json = '{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}'
    const padded = json.padEnd(Math.ceil(json.length / 8) * 8)
    expect(bytes.readBigUInt64LE()).toBe(BigInt(padded.length))
    expect(bytes.subarray(8, 8 + padded.length).toString()).toBe(padded)
    expect(bytes.subarray(8 + padded.length).toString('hex')).toBe('0000803f000000c0')
  })

  test('reads back with any names, shapes and order; the order of insertion does not change the bytes', async () => {
    const shape = fc.array(fc.nat(4), { maxLength: 4 })
    const name = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('10', '2', '__proto__', 'a"b\\', 'a.b'))
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.tuple(name, shape), { selector: ([n]) => n, maxLength: 8 }), async (list) => {
        fc.pre(list.every(([n]) => n !== '__metadata__'))
        const weights = weightsOf({})
        for (const [n, s] of list) for (const tensor of weightsOf({ [n]: s }).values()) weights.set(n, tensor)
        await writeSafetensors(path, weights)
        const first = readFileSync(path)
        expect(await readSafetensors(path)).toEqual(weights)
        await writeSafetensors(path, new Map([...weights].reverse()))
        expect(readFileSync(path).equals(first)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    ['F16', 2 ** -10],
    ['BF16', 2 ** -7],
  ] as const)('as %s reads back within its precision, across chunks', async (dtype, precision) => {
    const weights = weightsOf({ big: [700, 801], small: [3] })
    await writeSafetensors(path, weights, { dtype })
    const again = await readSafetensors(path)
    for (const [name, { data }] of weights) {
      const got = must(again.get(name)).data
      const worst = data.reduce(
        (max, x, i) => Math.max(max, Math.abs((got[i] ?? Number.NaN) - x) / Math.max(Math.abs(x), 1e-3)),
        0,
      )
      expect(worst).toBeLessThan(precision)
      expect(worst).toBeGreaterThan(0)
    }
  })

  test('never contains a NaN, an infinity, or a 16-bit overflow unless requested', async () => {
    const bad = (value: number): Weights => new Map([['w', { shape: [2], data: Float32Array.of(1, value) }]])
    await writeSafetensors(path, weightsOf({ good: [1] }))
    await expect(writeSafetensors(path, bad(Number.NaN))).rejects.toThrow('w contains NaN')
    await expect(writeSafetensors(path, bad(-Infinity))).rejects.toThrow('w contains -Infinity')
    await expect(writeSafetensors(path, bad(65520), { dtype: 'F16' })).rejects.toThrow('beyond F16')
    await expect(writeSafetensors(path, bad(3.4e38), { dtype: 'BF16' })).rejects.toThrow('beyond BF16')
    expect([...(await readSafetensors(path)).keys()]).toEqual(['good'])
    expect(readdirSync(folder)).toEqual(['a.safetensors'])

    await writeSafetensors(path, bad(Number.NaN), { allowNonFinite: true })
    await expect(readSafetensors(path)).rejects.toThrow('w of')
    expect(must((await readSafetensors(path, { allowNonFinite: true })).get('w')).data[1]).toBeNaN()
  })

  test('is refused when a shape and its data disagree, or a name is reserved', async () => {
    const tensor = { shape: [3], data: new Float32Array(2) }
    await expect(writeSafetensors(path, new Map([['w', tensor]]))).rejects.toThrow('w has shape [3] but 2 elements')
    await expect(writeSafetensors(path, weightsOf({ __metadata__: [1] }))).rejects.toThrow('__metadata__')
  })
})

describe('a hostile file', () => {
  const entry = (dtype: string, shape: unknown, begin: number, end: number) => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  })
  const four = entry('F32', [1], 0, 4)
  const cases: [string, () => string, string][] = [
    ['empty', () => put(''), 'takes 8'],
    ['shorter than its length field', () => put('abc'), 'takes 8'],
    ['with an absurd header length', () => forge({}, undefined, 2n ** 63n), 'the limit is'],
    ['with a header beyond the file', () => forge({}, undefined, 3000n), 'truncated'],
    ['with no JSON', () => forge('hello'), 'not JSON'],
    ['with an empty header', () => forge('{}', undefined, 0n), 'not JSON'],
    ['with invalid UTF-8', () => put(Buffer.from('0400000000000000227bff22', 'hex')), 'not JSON'],
    ['with an array', () => forge([]), 'not a JSON object'],
    ['with null', () => forge('null'), 'not a JSON object'],
    ['with a name twice', () => forge(`{"a":${JSON.stringify(four)},"a":${JSON.stringify(four)}}`), '"a" twice'],
    ['with a name twice, once escaped', () => forge('{"a":1,"\\u0061":2}'), '"a" twice'],
    ['with a key twice inside', () => forge('{"a":{"dtype":"F32","dtype":"F16"}}'), '"dtype" twice'],
    ['with an entry that is not an object', () => forge({ a: 5 }), 'not an object'],
    ['without a dtype', () => forge({ a: { shape: [], data_offsets: [0, 4] } }), 'no dtype'],
    ['with an unknown dtype', () => forge({ a: entry('F8_E4M3', [4], 0, 4) }), 'F8_E4M3; supported are'],
    ['with a dtype of Object', () => forge({ a: entry('toString', [4], 0, 4) }), 'toString'],
    ['with a negative size', () => forge({ a: entry('F32', [-1], 0, 4) }), 'shape'],
    ['with a fractional size', () => forge({ a: entry('F32', [0.5], 0, 2) }), 'shape'],
    ['with sizes that overflow', () => forge({ a: entry('F32', [2 ** 40, 2 ** 40], 0, 4) }), '2^53'],
    ['with 33 dimensions', () => forge({ a: entry('F32', new Array(33).fill(1), 0, 4) }), 'shape'],
    ['with one offset', () => forge({ a: { dtype: 'F32', shape: [1], data_offsets: [0] } }), 'data_offsets'],
    ['with offsets reversed', () => forge({ a: entry('F32', [1], 4, 0) }, new Uint8Array(4)), 'its offsets cover -4'],
    ['with offsets beyond 2^53', () => forge('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1e300]}}'), 'offsets'],
    [
      'with a size that does not match its offsets',
      () => forge({ a: entry('F32', [2], 0, 4) }, new Uint8Array(4)),
      '8 bytes, but',
    ],
    [
      'with an overlap',
      () => forge({ a: entry('F32', [2], 0, 8), b: entry('F32', [1], 4, 8) }, new Uint8Array(8)),
      'b overlaps',
    ],
    ['with a gap', () => forge({ a: four, b: entry('F32', [1], 8, 12) }, new Uint8Array(12)), 'belong to no tensor'],
    ['with a gap first', () => forge({ a: entry('F32', [1], 4, 8) }, new Uint8Array(8)), 'belong to no tensor'],
    ['with data missing', () => forge({ a: four }, new Uint8Array(3)), 'truncated'],
    ['with extra data at the end', () => forge({ a: four }, new Uint8Array(9)), '5 bytes after'],
    ['with metadata that is no text', () => forge({ __metadata__: { a: 1 } }), '__metadata__'],
    ['that is a folder', () => folder, 'not a file'],
    ['with NaN', () => forge({ a: four }, new Uint8Array(Float32Array.of(Number.NaN).buffer)), 'contains NaN'],
  ]

  test.each(cases)('%s is refused', async (_, make, message) => {
    await expect(readSafetensors(make())).rejects.toThrow(message)
  })

  test('cut at any byte is refused', async () => {
    await writeSafetensors(path, weightsOf({ a: [2, 2], b: [3] }))
    const whole = readFileSync(path)
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length))
      await expect(readSafetensors(path)).rejects.toThrow('is not a valid safetensors file')
    }
  })

  test('with random damage is read, or refused with a message', async () => {
    await writeSafetensors(path, weightsOf({ a: [2, 2], b: [3] }))
    const whole = readFileSync(path)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1 }), async (damage) => {
        const bytes = Buffer.from(whole)
        for (const [at, value] of damage) bytes[at] = value
        writeFileSync(path, bytes)
        const outcome = await readSafetensors(path).catch((error) => error)
        if (outcome instanceof Error) expect(outcome.message).toContain(path)
        else for (const { shape, data } of outcome.values()) expect(elementCount(shape)).toBe(data.length)
      }),
      { numRuns: 300 },
    )
  })

  test('truncated after it was opened is refused', async () => {
    await writeSafetensors(path, weightsOf({ a: [1000] }))
    const file = await SafetensorsFile.open(path)
    writeFileSync(path, readFileSync(path).subarray(0, 200))
    await expect(file.read('a')).rejects.toThrow('became shorter')
    await expect(file.read('b')).rejects.toThrow('no tensor b')
    await file.close()
  })
})

test('repeated keys are found at any place, and no other keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(repeatedKey(JSON.stringify(value))).toBeUndefined()
    }),
  )
  expect(repeatedKey('{"a":[{"x":1},{"x":2}],"b":{"a":{"b":{}}}}')).toBeUndefined()
  expect(repeatedKey('{"a":"\\"a\\":", "b":[{"y" :1,"y": 2}]}')).toBe('y')
  expect(repeatedKey('{"\\"":1,"\\u0022":2}')).toBe('"')
})
