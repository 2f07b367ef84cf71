// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { Random } from '#math/random.ts'
import { must } from '#test/must.ts'
import { CountSketch } from './countSketch.ts'
import { Sketches, SketchLog } from './sketches.ts'
import { rankCorrelation } from './test/comparison.ts'

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (x, i) => x * must(b[i])).reduce((s, x) => s + x, 0)
const normals = (seed: string, length: number) => new Random(seed).fillNormal(new Float32Array(length))

describe('a projection', () => {
  test('preserves inner products without bias, within the stated deviation', () => {
    const length = 3000
    const dimensions = 256
    const x = normals('x', length)
    const y = normals('y', length).map((value, i) => value + 0.3 * must(x[i]))
    const truth = dot(x, y)
    const promised = Math.sqrt((dot(x, x) * dot(y, y) + truth ** 2) / dimensions)
    const errors = Array.from({ length: 400 }, (_, seed) => {
      const projection = new CountSketch({ seed, length, dimensions })
      return (dot(projection.project(x), projection.project(y)) - truth) / promised
    })
    const mean = errors.reduce((a, b) => a + b) / errors.length
    const spread = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length)
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(errors.length))
    expect(spread).toBeGreaterThan(0.8)
    expect(spread).toBeLessThan(1.1)
  })

  test('is linear, and gives the same result for a whole vector and for its parts', () => {
    const projection = new CountSketch({ seed: 'parts', length: 100, dimensions: 32 })
    const [x, y] = [normals('x', 100), normals('y', 100)]
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)]
        const parts = [x.subarray(0, low), x.subarray(low, high), x.subarray(high)]
        expect(projection.project(parts)).toEqual(projection.project(x))
      }),
    )
    const sum = projection.project(x.map((value, i) => value + must(y[i])))
    const sums = projection.project(x).map((value, i) => value + must(projection.project(y)[i]))
    for (let i = 0; i < 32; i++) expect(sum[i]).toBeCloseTo(must(sums[i]), 4)
  })

  test('is identified by its seed, length and dimensions', () => {
    const of = (change: object) => new CountSketch({ seed: 1, length: 50, dimensions: 8, ...change })
    expect(of({}).project(normals('x', 50))).toEqual(of({}).project(normals('x', 50)))
    expect(of({}).project(normals('x', 50))).not.toEqual(of({ seed: 2 }).project(normals('x', 50)))
    const identities = [{}, { seed: 2 }, { length: 51 }, { dimensions: 10 }].map((change) => of(change).identity)
    expect(new Set(identities).size).toBe(4)
    expect(identities[0]).toMatch(/^[0-9a-f]{32}$/)
  })

  test('rejects vectors of another length', () => {
    const projection = new CountSketch({ seed: 1, length: 3, dimensions: 2 })
    expect(() => projection.project(new Float32Array(4))).toThrow('4 coordinates; expected 3')
    expect(() => projection.project(Float32Array.of(1, Number.NaN, 2))).toThrow('NaN')
    expect(() => projection.project(Float32Array.of(1, Infinity, 2))).toThrow('infinity')
    expect(() => new CountSketch({ seed: 1, length: 0, dimensions: 2 })).toThrow('coordinates')
    expect(() => new CountSketch({ seed: 1, length: 3, dimensions: 3 })).toThrow('even number')
  })
})

describe('sketches', () => {
  const projection = new CountSketch({ seed: 1, length: 400, dimensions: 64 })
  const vectors = Array.from({ length: 200 }, (_, i) => normals(`vector ${i}`, 400))
  const sketchesOf = (list: Float32Array[]) => {
    const sketches = Sketches.empty(projection)
    for (const vector of list) sketches.add(projection.project(vector))
    return sketches
  }

  test('score almost as without quantisation', () => {
    const sketches = sketchesOf(vectors)
    const query = projection.project(must(vectors[7]))
    const exact = vectors.map((vector) => dot(projection.project(vector), query))
    const scores = vectors.map((_, index) => dot(sketches.at(index), query))
    const size = Math.sqrt(dot(query, query))
    for (let i = 0; i < exact.length; i++)
      expect(Math.abs(must(scores[i]) - must(exact[i]))).toBeLessThan(1e-3 * size ** 2)
    expect(rankCorrelation(scores, exact)).toBeGreaterThan(0.9999)
  })

  test('are rounded by at most half a unit of their scale', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 100), max: 2 ** 100 }), {
          minLength: 64,
          maxLength: 64,
        }),
        (list) => {
          const sketch = Float32Array.from(list)
          const sketches = Sketches.empty(projection)
          const got = sketches.at(sketches.add(sketch))
          const unit = Math.max(...sketch.map(Math.abs)) / 32_767
          for (let i = 0; i < 64; i++)
            expect(Math.abs(must(got[i]) - must(sketch[i]))).toBeLessThanOrEqual(0.51 * unit + 2 ** -126)
        },
      ),
    )
  })

  test('that are invalid are rejected', () => {
    const sketches = sketchesOf(vectors.slice(0, 1))
    expect(() => sketches.add(new Float32Array(63))).toThrow('63 dimensions')
    expect(() => sketches.add(new Float32Array(64).fill(Number.NaN))).toThrow('Dimension 0')
    expect(() => sketches.at(1)).toThrow('no sketch 1')
  })

  describe('in a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sketches-'))
    afterAll(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'sketches')
    const write = async (list: Float32Array[], keep = 0) => {
      const log = await SketchLog.open(path, projection, keep)
      for (const vector of list) await log.append(projection.project(vector))
      await log.close()
    }

    test('are read back with two bytes per dimension', async () => {
      await write(vectors)
      const sketches = await Sketches.read(path, projection)
      expect(sketches.count).toBe(200)
      for (const index of [0, 3, 199]) expect(sketches.at(index)).toEqual(sketchesOf(vectors).at(index))
      expect(readFileSync(path).length).toBe(32 + 200 * (2 * 64 + 4))
      sketches.add(projection.project(must(vectors[0])))
      expect(sketches.at(200)).toEqual(sketches.at(0))
    })

    test('resumed from a checkpoint have the same bytes, whatever a crash left', async () => {
      await write(vectors)
      const undisturbed = readFileSync(path)
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 199 }), fc.nat(40), fc.nat(300), async (keep, more, torn) => {
          await write(vectors.slice(0, Math.min(200, keep + more)))
          appendFileSync(path, Buffer.alloc(torn, 7))
          await write(vectors.slice(keep), keep)
          expect(readFileSync(path).equals(undisturbed)).toBe(true)
        }),
        { numRuns: 25 },
      )
    })

    test('lose only the last sketch when truncated', async () => {
      await write(vectors.slice(0, 5))
      truncateSync(path, 32 + 5 * 132 - 1)
      expect((await Sketches.read(path)).count).toBe(4)
    })

    test('of another type, projection or count are rejected', async () => {
      await write(vectors.slice(0, 5))
      const other = new CountSketch({ seed: 2, length: 400, dimensions: 64 })
      await expect(Sketches.read(path, other)).rejects.toThrow('another projection')
      await expect(SketchLog.open(path, other, 5)).rejects.toThrow('another projection')
      await expect(SketchLog.open(path, projection, 6)).rejects.toThrow('is shorter')
      await expect(SketchLog.open(join(folder, 'none'), projection, 1)).rejects.toThrow('does not exist')
      const whole = readFileSync(path)
      whole.writeFloatLE(Number.NaN, 32)
      writeFileSync(path, whole)
      await expect(Sketches.read(path)).rejects.toThrow('sketch 0 has scale NaN')
      writeFileSync(path, whole.subarray(0, 20))
      await expect(Sketches.read(path)).rejects.toThrow('too short')
      writeFileSync(path, Buffer.alloc(64))
      await expect(Sketches.read(path)).rejects.toThrow('not a sketch file')
    })
  })
})
