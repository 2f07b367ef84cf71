import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exactMatch, jsonFields, multipleChoice, normaliseAnswer, perplexity, wordF1 } from './scorers.ts'

describe('words', () => {
  test('match regardless of case, punctuation, articles and spaces', () => {
    expect(exactMatch('  The Commons! ', ['a commons'])).toBe(1)
    expect(exactMatch('The commons', ['commons'], { normalise: false })).toBe(0)
    expect(exactMatch('there', ['re'])).toBe(0)
    expect(exactMatch('x', [])).toBe(0)
    expect(normaliseAnswer('“Größe”: 5€')).toBe('größe 5')
  })

  test('overlap by their F1', () => {
    expect(wordF1('the cat sat', ['cat sat down'])).toBeCloseTo((2 * 2) / 5)
    expect(wordF1('a a a b b', ['b'])).toBeCloseTo(2 / 3)
    expect(wordF1('', [''])).toBe(1)
    expect(wordF1('', ['x'])).toBe(0)
    expect(wordF1('x', ['y', 'x'])).toBe(1)
  })

  test('score from 0 to 1, symmetrically, and 1 for themselves', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        const score = wordF1(a, [b])
        expect(score).toBeGreaterThanOrEqual(0)
        expect(score).toBeLessThanOrEqual(1)
        expect(score).toBe(wordF1(b, [a]))
        expect(wordF1(a, [a])).toBe(1)
        expect(exactMatch(a, [a])).toBe(1)
      }),
    )
  })
})

describe('JSON', () => {
  test('is found in prose and scored by field', () => {
    const answer = 'So {in braces} I say: {"city": "Bern", "people": 134000, "in": {"a": [1, "}"]}} and {"more": 1}'
    expect(jsonFields(answer, { city: 'Bern', people: 134_000 }).score).toBe(1)
    expect(jsonFields(answer, { city: 'Bern', people: 5, in: { a: [1, '}'] }, none: null }).score).toBe(0.5)
    expect(jsonFields(answer, { people: 134_100 }, { tolerance: 0.01 }).score).toBe(1)
  })

  test('that is absent, invalid or inherited scores 0', () => {
    expect(jsonFields('', { a: 1 })).toEqual({ score: 0, found: null })
    expect(jsonFields('{"a": 1', { a: 1 }).score).toBe(0)
    expect(jsonFields('{}', { toString: 1 }).score).toBe(0)
    expect(jsonFields('{"a": "\\"}"}', { a: '"}' }).score).toBe(1)
    expect(jsonFields('{'.repeat(100_000), { a: 1 }).score).toBe(0)
    expect(() => jsonFields('{}', {})).toThrow('at least one field')
  })

  test('is extracted whatever surrounds it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (value) => {
        const expected = JSON.parse(JSON.stringify(value))
        expect(jsonFields(`Here: ${JSON.stringify(value)}!`, expected).score).toBe(1)
      }),
    )
  })
})

describe('probabilities', () => {
  test('give perplexity per token and word, and bits per byte', () => {
    const half = Math.log(0.5)
    const got = perplexity([half, half, half, half], { words: 2, bytes: 8 })
    expect(got.perToken).toBeCloseTo(2)
    expect(got.perWord).toBeCloseTo(4)
    expect(got.bitsPerByte).toBeCloseTo(0.5)
    expect(got.negativeLogLikelihood).toBeCloseTo(-4 * half)
  })

  test('that are invalid are rejected', () => {
    expect(() => perplexity([])).toThrow('no tokens')
    expect(() => perplexity([-1, Number.NaN])).toThrow('Token 1')
    expect(() => perplexity([0.5])).toThrow('Token 0')
    expect(perplexity([-Infinity]).perToken).toBe(Infinity)
  })

  test('choose, by token and by byte', () => {
    const got = multipleChoice([-4, -5, -9], [2, 10, 10], 1)
    expect(got).toMatchObject({ chosen: 0, accuracy: 0, normalised: 1 })
    expect(got.probability).toBeCloseTo(Math.exp(-5) / (Math.exp(-4) + Math.exp(-5) + Math.exp(-9)))
    expect(multipleChoice([-Infinity, -Infinity], [1, 1], 0).probability).toBe(0.5)
    expect(() => multipleChoice([-1], [1], 1)).toThrow('do not match')
    expect(() => multipleChoice([Number.NaN], [1], 0)).toThrow('Choice 0')
  })
})
