import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CanonicalValue, canonicalJson } from './canonicalJson.ts'

/** The same value with the members of every object in the opposite order. */
function turned(value: CanonicalValue): CanonicalValue {
  if (Array.isArray(value)) return value.map(turned)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, turned(item as CanonicalValue)]),
  )
}

test('the text is JSON of the same value, whatever the order of the keys', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '"', '\n', 'é') })
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, false),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      text,
      fc.array(tie('value')),
      fc.dictionary(text, tie('value')),
    ),
  }))
  fc.assert(
    fc.property(value, (given) => {
      const written = canonicalJson(given as CanonicalValue)
      expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(given)))
      expect(canonicalJson(turned(given as CanonicalValue))).toBe(written)
    }),
  )
})

test('keys are sorted, and members without value are left out', () => {
  expect(canonicalJson({ b: 1, c: undefined, B: 2, a: { z: 3, y: [] } })).toBe('{"B":2,"a":{"y":[],"z":3},"b":1}')
})

test('values without a unique form are refused', () => {
  expect(() => canonicalJson([Number.POSITIVE_INFINITY])).toThrow(/Infinity has no JSON form/)
  expect(() => canonicalJson({ '\ud800': 1 })).toThrow(/surrogate/)
  expect(() => canonicalJson({ 'e\u0301': 1, '\u00e9': 2 })).toThrow(/key "\u00e9" appears twice/)
})
