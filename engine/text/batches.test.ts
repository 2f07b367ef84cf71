import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Batch, type BatchOptions, batchesOf } from './batches.ts'
import { type Example, toExamples } from './examples.ts'
import { packRows } from './packing.ts'
import { Tokenizer } from './tokenizer.ts'
import { trainTokenizer } from './trainTokenizer.ts'

const tokenizer = new Tokenizer(trainTokenizer(['question answer'], { vocabSize: 262 }))
const withBos = new Tokenizer(trainTokenizer(['x'], { vocabSize: 300, bos: '<s>' }))

describe('examples', () => {
  const encode = (text: string) => [...tokenizer.encode(text)]

  test('are prompt, completion and end', () => {
    const [example] = toExamples([{ prompt: 'ab', completion: 'c', weight: 0.25 }], tokenizer, { maxLength: 9 })
    expect([...example.tokens]).toEqual([...encode('ab'), ...encode('c'), tokenizer.eosId])
    expect(example).toMatchObject({ promptLength: 2, weight: 0.25, index: 0, cut: false })
  })

  test('begin with the beginning token where there is one, but not before ids of a chat', () => {
    const pairs = [
      { prompt: 'a', completion: 'b' },
      { prompt: [9, 8], completion: [7] },
    ]
    const [text, chat] = toExamples(pairs, withBos, { maxLength: 9 })
    expect(text.tokens[0]).toBe(withBos.bosId)
    expect([...chat.tokens]).toEqual([9, 8, 7, withBos.eosId])
  })

  test('too long lose the beginning of the prompt, then the end of the completion, or are refused', () => {
    const pair = { prompt: 'abcdef', completion: 'xyz' }
    const cut = (maxLength: number) => {
      const [example] = toExamples([pair], tokenizer, { maxLength, eos: false })
      expect(example.cut).toBe(true)
      return [tokenizer.decode(example.tokens), example.promptLength]
    }
    expect(cut(5)).toEqual(['efxyz', 2])
    expect(cut(3)).toEqual(['fxy', 1])
    expect(() => toExamples([pair], tokenizer, { maxLength: 5, overflow: 'refuse' })).toThrow('Pair 0 has 10 tokens')
  })

  test('with nothing to learn, ids of no token, or senseless weights are refused', () => {
    const of =
      (pair: object, options = {}) =>
      () =>
        toExamples([{ prompt: 'a', completion: 'b', ...pair }], tokenizer, { maxLength: 8, ...options })
    expect(of({ completion: '' }, { eos: false })).toThrow('nothing to learn')
    expect(of({ prompt: [262] })).toThrow('holds 262')
    expect(of({ completion: [-1] })).toThrow('holds -1')
    expect(of({ weight: Number.NaN })).toThrow('weight NaN')
    expect(of({ weight: -1 })).toThrow('weight -1')
    expect(of({}, { maxLength: 1 })).toThrow('at least 2')
    expect(of({}, { bos: true })).toThrow('bos_token')
    expect(of({ prompt: '' })()[0].promptLength).toBe(1)
  })

  test('hold no special token that a text merely spells', () => {
    const [example] = toExamples([{ prompt: '<|end|>', completion: '<|end|>' }], tokenizer, { maxLength: 99 })
    expect([...example.tokens].filter((id) => tokenizer.specialIds.has(id))).toEqual([tokenizer.eosId])
  })
})

const examplesOf = (shapes: [prompt: number, completion: number][]): Example[] =>
  shapes.map(([prompt, completion], index) => ({
    tokens: Int32Array.from({ length: prompt + completion }, (_, t) => 1000 * (index + 1) + t),
    promptLength: prompt,
    weight: index + 1,
    index,
    cut: false,
  }))
const someExamples = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 })), { minLength: 1, maxLength: 30 })
  .map(examplesOf)
const options: BatchOptions = { rows: 4, pad: 0, seed: 'seed', epoch: 0 }

/** What a model would learn from a batch, found position by position: [context, target, weight]. */
function lessons(batch: Batch): string[] {
  const found: string[] = []
  for (let row = 0; row < batch.rows; row++) {
    for (let t = 0; t < batch.length; t++) {
      const at = row * batch.length + t
      if (batch.weights[at] === 0) continue
      const context: number[] = []
      for (let s = 0; s <= t; s++) {
        const other = row * batch.length + s
        if (batch.segments[other] === batch.segments[at]) context[batch.positions[other]] = batch.tokens[other]
      }
      found.push(JSON.stringify([context, batch.targets[at], batch.weights[at]]))
    }
  }
  return found
}

describe('batches', () => {
  test('teach exactly the completion tokens of every example once, each after its own example only', () => {
    fc.assert(
      fc.property(
        someExamples,
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        (examples, pack, shuffle, rows) => {
          const batches = batchesOf(examples, { ...options, rows, pack, shuffle })
          const expected = examples.flatMap(({ tokens, promptLength, weight }) =>
            [...tokens]
              .slice(promptLength)
              .map((target, i) => JSON.stringify([[...tokens].slice(0, promptLength + i), target, weight])),
          )
          expect(batches.flatMap(lessons).sort()).toEqual(expected.sort())
          expect(batches.flatMap((batch) => batch.examples.flat()).sort((a, b) => a - b)).toEqual([...examples.keys()])
        },
      ),
    )
  })

  test('have few shapes: constant rows and lengths of the buckets', () => {
    fc.assert(
      fc.property(someExamples, (examples) => {
        for (const batch of batchesOf(examples, { ...options, buckets: [8, 24, 40] })) {
          expect(batch.rows).toBe(4)
          expect([8, 24, 40]).toContain(batch.length)
          expect(batch.tokens.length).toBe(batch.rows * batch.length)
        }
      }),
    )
  })

  test('repeat for the same seed and epoch, and differ for others', () => {
    const examples = examplesOf(Array.from({ length: 40 }, () => [2, 3]))
    const order = (change: object) =>
      batchesOf(examples, { ...options, ...change }).flatMap(({ examples }) => examples.flat())
    expect(order({})).toEqual(order({}))
    expect(order({ epoch: 1 })).not.toEqual(order({}))
    expect(order({ seed: 'other' })).not.toEqual(order({}))
    expect(order({ shuffle: false })).toEqual([...examples.keys()])
  })

  test('of nothing, of no rows, or with an example beyond the buckets are refused', () => {
    const examples = examplesOf([[9, 9]])
    expect(() => batchesOf([], options)).toThrow('no examples')
    expect(() => batchesOf(examples, { ...options, rows: 0 })).toThrow('at least 1')
    expect(() => batchesOf(examples, { ...options, buckets: [4, 8] })).toThrow('Cut examples')
    expect(() => batchesOf(examples, { ...options, buckets: [32, 8] })).toThrow('ascending')
    expect(() => batchesOf(examples, { ...options, buckets: [] })).toThrow()
  })
})

test('packing keeps every item, overfills no row, and no two rows could be one', () => {
  const items = fc.array(fc.integer({ min: 1, max: 10 }).map((length) => ({ tokens: { length } })))
  fc.assert(
    fc.property(items, (list) => {
      const rows = packRows(list, 10)
      const sizes = rows.map((row) => row.reduce((sum, { tokens }) => sum + tokens.length, 0))
      expect(rows.flat().length).toBe(list.length)
      expect(new Set(rows.flat())).toEqual(new Set(list))
      const [a = 10, b = 10] = [...sizes].sort((x, y) => x - y)
      expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(10)
      expect(a + b).toBeGreaterThan(10)
    }),
  )
  expect(() => packRows([{ tokens: { length: 11 } }], 10)).toThrow('does not fit')
})
