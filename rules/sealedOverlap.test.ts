import { describe, expect, test } from 'vitest'
import type { PromptCompletion } from './sample.ts'
import { SealedOverlap } from './sealedOverlap.ts'

const words = (name: string, count: number, from = 0) => Array.from({ length: count }, (_, i) => `${name}${from + i}`)
/** Two new words after every fourth word: no 5-gram of the original is left, all of its chains are. */
const woven = (original: readonly string[]) =>
  original.flatMap((word, i) => (i % 4 === 3 ? [word, `new${i}`, `other${i}`] : [word])).join(' ')
/** A sample whose own words are around the given ones. */
const around = (text: string): PromptCompletion => ({ prompt: 'mine', completion: text })
const item = (prompt: readonly string[], completion: readonly string[]): PromptCompletion => ({
  prompt: prompt.join(' '),
  completion: completion.join(' '),
})

test('without sealed items every sample is free', () => {
  expect(new SealedOverlap([]).isIn({ prompt: '', completion: '' })).toBe(false)
})

test('a prompt is recognised in any spelling, only as a prompt', () => {
  const sealed = new SealedOverlap([item(['Where', 'is', 'it?'], ['here'])])
  expect(sealed.isIn({ prompt: ' WHERE  is it?', completion: 'nobody knows' })).toBe(true)
  expect(sealed.isIn(around('Where is it?'))).toBe(false)
})

describe('5-grams', () => {
  // Ten words have eight 5-grams with their ends. With so few, chains say nothing.
  const short = (name: string) => item(words(name, 1), words(name, 9, 1))
  const beginning = (name: string, count: number) => ({
    prompt: words(name, 2).join(' '),
    completion: words(name, count - 2, 2).join(' '),
  })

  test('half of an item is too much, or the share that is set', () => {
    const found = (sealed: SealedOverlap, count: number) => sealed.isIn(beginning('a', count))
    expect([6, 7].map((count) => found(new SealedOverlap([short('a')]), count))).toEqual([false, true])
    expect([4, 5].map((count) => found(new SealedOverlap([short('a')], 250_000n), count))).toEqual([false, true])
  })

  test('are counted for each item, also those that several have', () => {
    const { prompt, completion } = beginning('a', 6)
    const parts = { prompt, completion: `${completion} ${words('b', 7, 2).join(' ')}` }
    expect(new SealedOverlap([short('a'), item(words('b', 1), words('b', 8, 1))]).isIn(parts)).toBe(true)
    const twins = [item(words('a', 1), [...words('a', 5, 1), ...words('c', 4)]), short('a')]
    expect(new SealedOverlap(twins).isIn(beginning('a', 6))).toBe(false)
    for (const sealed of [twins, [...twins].reverse()])
      expect(new SealedOverlap(sealed).isIn(beginning('a', 7))).toBe(true)
  })

  test('count symbols', () => {
    const sealed = new SealedOverlap([item(['a', '+'], ['b', '+', 'c', '+', 'd'])])
    expect(sealed.isIn({ prompt: 'a', completion: '+ b + c + d' })).toBe(true)
    expect(sealed.isIn({ prompt: 'a b', completion: 'c d' })).toBe(false)
  })
})

describe('chains', () => {
  test('75 % of an item is too much, whatever is woven in', () => {
    const sealed = new SealedOverlap([item(words('a', 10), words('a', 30, 10))])
    expect([29, 30, 40].map((count) => sealed.isIn(around(woven(words('a', count)))))).toEqual([false, true, true])
  })

  test('need the order: the same words in another one are another text', () => {
    const sealed = new SealedOverlap([item(words('a', 10), words('a', 30, 10))])
    expect(sealed.isIn(around(words('a', 40).reverse().join(' ')))).toBe(false)
  })

  test('85 % of its prompt is too much', () => {
    const sealed = new SealedOverlap([item(words('a', 20), words('b', 60))])
    expect([16, 17, 20].map((count) => sealed.isIn(around(woven(words('a', count)))))).toEqual([false, true, true])
    expect(sealed.isIn(around(woven(words('b', 20))))).toBe(false)
  })

  test('of less than 13 words are no evidence', () => {
    const found = (count: number) =>
      new SealedOverlap([item(words('a', 1), words('a', count - 1, 1))]).isIn(around(woven(words('a', count))))
    expect([12, 13].map(found)).toEqual([false, true])
  })

  test('ignore symbols in words and between them', () => {
    const original = 'the quick brown fox jumps over one lazy dog while nobody looks at it'.split(' ')
    const sealed = new SealedOverlap([item(original.slice(0, 3), original.slice(3))])
    const disguised = original.map((word) => `${word[0]}+${word.slice(1)} =`).join(' ')
    expect(sealed.isIn(around(woven(disguised.split(' ').map((word) => word.replace('+', '$')))))).toBe(true)
    expect(sealed.isIn(around(disguised))).toBe(true)
  })

  test('weigh a word by how few items have it: all eight have 20 of their 25 words, which weigh 1 each; the other five weigh 4', () => {
    const shared = words('shared', 20)
    const sealed = new SealedOverlap(
      words('own', 8).map((own) => item(shared.slice(0, 2), [...shared.slice(2), ...words(own, 5)])),
    )
    // The prompt is short; 28 of 40, then 32 of 40.
    expect([2, 3].map((own) => sealed.isIn(around(woven([...shared, ...words('own0', own)]))))).toEqual([false, true])
  })

  test('weigh words by whole binary digits: two of three items is as common as all', () => {
    const [all, two] = [words('all', 12), words('two', 12)]
    const sealed = new SealedOverlap([
      item(['a'], [...all, ...two]),
      item(['b'], [...all, ...two]),
      item(['c'], [...all, ...words('other', 12)]),
    ])
    // 'a' weighs 2 of 26, so that 75 % are 20 of the others.
    expect([19, 20].map((count) => sealed.isIn(around(woven([...all, ...two].slice(0, count)))))).toEqual([false, true])
  })
})
