import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { Tokenizer } from './tokenizer.ts'
import { trainBpe } from './trainBpe.ts'
import { trainTokenizer } from './trainTokenizer.ts'

const read = (name: string) => JSON.parse(readFileSync(new URL(`./golden/${name}`, import.meta.url), 'utf8'))
const corpus: { train: string[]; encode: string[] } = read('corpus.json')

describe('a tokenizer trained here', () => {
  const golden = read('bpe.golden.json')
  const files = trainTokenizer(corpus.train, { vocabSize: 480 })
  const model = files.tokenizer.model as { vocab: Record<string, number>; merges: [string, string][] }

  test("equals the result of Hugging Face's trainer, token by token and merge by merge", () => {
    expect(model.vocab).toEqual(golden.vocab)
    expect(model.merges).toEqual(golden.merges)
  })

  test('encodes as Hugging Face does', () => {
    const tokenizer = new Tokenizer(files)
    for (const text of corpus.encode) expect([...tokenizer.encode(text)]).toEqual(golden.encodings[text])
  })

  test('does not depend on the order of the texts, and the same texts give the same bytes', () => {
    const again = trainTokenizer([...corpus.train].reverse(), { vocabSize: 480 })
    expect(JSON.stringify(again)).toBe(JSON.stringify(files))
  })

  test('never merges across a special token in the corpus', () => {
    const { tokenizer } = trainTokenizer(['x<|end|>x<|end|>x<|end|>'], { vocabSize: 300 })
    expect((tokenizer.model as { merges: unknown[] }).merges).toEqual([])
  })

  test('can have a start token, other special tokens and a template', () => {
    const tokenizer = new Tokenizer(
      trainTokenizer(['a'], { vocabSize: 259, bos: '<s>', eos: '</s>', pad: '</s>', special: ['<s>', '<x>'] }),
    )
    expect([tokenizer.eosId, tokenizer.padId, tokenizer.bosId, tokenizer.idOf('<x>')]).toEqual([0, 0, 1, 2])
    expect(tokenizer.vocabSize).toBe(259)
  })

  test('rejects a vocabulary too small for the bytes, and empty special tokens', () => {
    expect(() => trainTokenizer(['a'], { vocabSize: 259 })).toThrow('260')
    expect(() => trainTokenizer(['a'], { vocabSize: 1e9 })).toThrow('2^24')
    expect(() => trainTokenizer(['a'], { vocabSize: 300, minCount: 0 })).toThrow('minCount')
    expect(() => trainTokenizer(['a'], { vocabSize: 300, special: [''] })).toThrow('empty')
  })
})

describe('byte-pair merges', () => {
  /** Recounts every pair for every merge. */
  function naive(words: Map<string, number>, alphabet: string[], size: number, minCount: number) {
    const tokens = [...alphabet]
    const list = [...words].map(([word, count]) => ({ parts: [...word], count }))
    const merges: [string, string][] = []
    while (tokens.length < size) {
      const counts = new Map<string, number>()
      for (const { parts, count } of list) {
        for (const [i, right] of parts.slice(1).entries()) {
          const key = JSON.stringify([tokens.indexOf(must(parts[i])), tokens.indexOf(right)])
          counts.set(key, (counts.get(key) ?? 0) + count)
        }
      }
      const ranked = [...counts]
        .map(([key, count]) => ({ pair: JSON.parse(key) as [number, number], count }))
        .sort((a, b) => b.count - a.count || a.pair[0] - b.pair[0] || a.pair[1] - b.pair[1])
      const [best] = ranked
      if (!best || best.count < minCount) break
      const [left, right] = [must(tokens[best.pair[0]]), must(tokens[best.pair[1]])]
      merges.push([left, right])
      if (!tokens.includes(left + right)) tokens.push(left + right)
      for (const item of list) {
        const out: string[] = []
        for (let i = 0; i < item.parts.length; i++) {
          const part = must(item.parts[i])
          if (part === left && item.parts[i + 1] === right) {
            out.push(left + right)
            i++
          } else out.push(part)
        }
        item.parts = out
      }
    }
    return { tokens, merges }
  }

  test('equal those of a trainer that recounts everything after each merge', () => {
    const word = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 12 })
      .map((chars) => chars.join(''))
    fc.assert(
      fc.property(fc.array(fc.tuple(word, fc.integer({ min: 1, max: 4 }))), fc.nat(3), (list, minCount) => {
        const words = new Map(list)
        const alphabet = ['a', 'b', 'c']
        const expected = naive(words, alphabet, 40, minCount + 1)
        const got = trainBpe(words, { alphabet, firstId: 7, size: 40, minCount: minCount + 1 })
        expect(got.tokens).toEqual(expected.tokens)
        expect(got.merges.map(({ left, right }) => [got.tokens[left - 7], got.tokens[right - 7]])).toEqual(
          expected.merges,
        )
      }),
      { numRuns: 300 },
    )
  })
})
