import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StopFinder } from './stops.ts'

/** The definition on the whole text: the shortest prefix that ends in a stop string, cut before the longest one. */
function expected(text: string, stops: string[]): { text: string; stopped?: string } {
  for (let end = 1; end <= text.length; end++) {
    const seen = text.slice(0, end)
    const found = stops.filter((stop) => seen.endsWith(stop)).sort((a, b) => b.length - a.length)[0]
    if (found !== undefined) return { text: seen.slice(0, end - found.length), stopped: found }
  }
  return { text }
}

test('however the text is split, it ends at the same stop string, and no part of that is returned', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 30 })
  const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 1, maxLength: 4 }), {
    maxLength: 3,
  })
  fc.assert(
    fc.property(letters, stops, fc.array(fc.nat(5)), (text, stops, cuts) => {
      const finder = new StopFinder(stops)
      const whole = expected(text, stops)
      let given = ''
      let at = 0
      const pieces = cuts.map((cut) => text.slice(at, (at += cut)))
      for (const piece of [...pieces, text.slice(at)]) {
        given += finder.push(piece)
        // Everything returned stays correct, whatever follows.
        expect(whole.text.startsWith(given)).toBe(true)
      }
      if (finder.stopped === undefined) given += finder.flush()
      expect({ text: given, stopped: finder.stopped }).toEqual({ stopped: undefined, ...whole })
    }),
  )
})

test('text is held back only while it can become a stop string', () => {
  const finder = new StopFinder(['\n\nQ:'])
  expect(finder.push('one\n')).toBe('one')
  expect(finder.push('\nt')).toBe('\n\nt')
  expect(finder.push('wo\n\nQ')).toBe('wo')
  expect(finder.push(': three')).toBe('')
  expect(finder.stopped).toBe('\n\nQ:')
  expect(finder.flush()).toBe('')
  expect(() => new StopFinder([''])).toThrow(/empty/)
})
