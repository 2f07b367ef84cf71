import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { Random } from '#math/random.ts'
import { must } from '#test/must.ts'
import { SpanIndex, type VerbatimSpan } from './spanIndex.ts'
import { readSpanIndex, writeSpanIndex } from './test/spanFile.ts'

/** All positions of a sequence of tokens, by exhaustive search. */
function scan(documents: number[][], tokens: number[]): VerbatimSpan['positions'] {
  return documents.flatMap((list, document) =>
    list.flatMap((_, position) =>
      position + tokens.length <= list.length && tokens.every((token, i) => list[position + i] === token)
        ? [{ document, position }]
        : [],
    ),
  )
}

/** Maximal spans, by trying every span of the answer. */
function naive(documents: number[][], answer: number[], minLength: number): VerbatimSpan[] {
  const found: VerbatimSpan[] = []
  for (let start = 0; start < answer.length; start++) {
    for (let length = minLength; start + length <= answer.length; length++) {
      const positions = scan(documents, answer.slice(start, start + length))
      if (positions.length) found.push({ start, length, count: positions.length, positions })
    }
  }
  const within = (a: VerbatimSpan, b: VerbatimSpan) =>
    a !== b && b.start <= a.start && a.start + a.length <= b.start + b.length
  return found
    .filter((span) => !found.some((other) => within(span, other)))
    .sort((a, b) => a.count - b.count || b.length - a.length || a.start - b.start)
}

const token = fc.nat(3)
const documents = fc.array(fc.array(token, { maxLength: 25 }), { maxLength: 6 })

describe('spans', () => {
  test('equal those of an exhaustive search', () => {
    fc.assert(
      fc.property(
        documents,
        fc.array(token, { maxLength: 20 }),
        fc.integer({ min: 1, max: 4 }),
        (list, answer, minLength) => {
          const index = SpanIndex.build(list)
          expect(index.find(answer, { minLength, maxPositions: 1000 })).toEqual(naive(list, answer, minLength))
          expect(index.tokenCount).toBe(list.flat().length)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('have the counts of an exhaustive search', () => {
    fc.assert(
      fc.property(documents, fc.array(token, { minLength: 1, maxLength: 4 }), (list, tokens) => {
        expect(SpanIndex.build(list).count(tokens)).toBe(scan(list, tokens).length)
      }),
    )
  })

  test('never cross documents, and tokens outside all documents do not wrap around', () => {
    const index = SpanIndex.build([[1, 2], [3, 4], [], [0]])
    expect(index.find([1, 2, 3, 4], { minLength: 1 }).map(({ start, length }) => [start, length])).toEqual([
      [0, 2],
      [2, 2],
    ])
    expect(index.find([9, 2 ** 24], { minLength: 1 })).toEqual([])
    expect(index.find([0], { minLength: 1 })).toEqual([
      { start: 0, length: 1, count: 1, positions: [{ document: 3, position: 0 }] },
    ])
    expect(index.count([])).toBe(0)
  })

  test('give the first positions, as many as requested', () => {
    const index = SpanIndex.build(Array.from({ length: 50 }, () => [7, 7]))
    const [span] = index.find([7], { minLength: 1, maxPositions: 3 })
    expect(span?.count).toBe(100)
    expect(span?.positions).toEqual([
      { document: 0, position: 0 },
      { document: 0, position: 1 },
      { document: 1, position: 0 },
    ])
  })

  test('are empty for empty input, and invalid token ids are rejected', () => {
    expect(SpanIndex.build([]).find([1, 2, 3], { minLength: 1 })).toEqual([])
    expect(SpanIndex.build([[1]]).find([])).toEqual([])
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 25]) {
      expect(() => SpanIndex.build([[bad]])).toThrow('Token 0 of document 0')
      expect(() => SpanIndex.build([[1]]).find([bad])).toThrow('Token 0 of the answer')
    }
    expect(() => SpanIndex.build([[1]]).find([1], { minLength: 0 })).toThrow('minLength')
  })
})

describe('the file of an index', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spans-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'index')
  const random = new Random('documents')
  const list = Array.from({ length: 100 }, () => Array.from({ length: 90 }, () => random.integer(50)))
  const index = SpanIndex.build(list)

  test('is read back unchanged, with at most nine bytes per token', async () => {
    await writeSpanIndex(path, index)
    expect(readFileSync(path).length).toBeLessThanOrEqual(9 * index.tokenCount)
    const again = await readSpanIndex(path)
    expect(again.arrays).toEqual(index.arrays)
    const answer = must(list[42])
    expect(again.find(answer, { minLength: 10 })).toEqual(index.find(answer, { minLength: 10 }))
  })

  test('of no documents is read back', async () => {
    await writeSpanIndex(path, SpanIndex.build([]))
    expect((await readSpanIndex(path)).documentCount).toBe(0)
  })

  test('truncated, extended or of another type is rejected; damaged inside, it is rejected or answers without failing', async () => {
    await writeSpanIndex(
      path,
      SpanIndex.build([
        [1, 2, 3],
        [2, 3],
      ]),
    )
    const whole = readFileSync(path)
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length))
      await expect(readSpanIndex(path)).rejects.toThrow(path)
    }
    writeFileSync(path, Buffer.concat([whole, whole]))
    await expect(readSpanIndex(path)).rejects.toThrow('truncated or not')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1 }), async (damage) => {
        const bytes = Buffer.from(whole)
        for (const [at, value] of damage) bytes[at] = value
        writeFileSync(path, bytes)
        const outcome = await readSpanIndex(path).catch((error) => error)
        if (outcome instanceof Error) expect(outcome.message).toContain(path)
        else
          for (const { positions } of outcome.find([1, 2, 3], { minLength: 1 }))
            expect(positions.length).toBeLessThan(9)
      }),
    )
  })
})
