import { expect, test } from 'vitest'
import { normalForm, shingles, tokens } from './shingles.ts'

test('scripts without spaces are split into characters', () => {
  expect(tokens('春眠不覺 OK 2+2')).toEqual(['春', '眠', '不', '覺', 'ok', '2', '+', '2'])
})

test('punctuation is no token, so a text of only punctuation has none', () => {
  expect(tokens('well-known, "quoted"!')).toEqual(['well', 'known', 'quoted'])
  expect(tokens('?!')).toEqual([])
})

test('the normal form has no case, no width, no invisible characters and single spaces within', () => {
  expect(normalForm(' \tＡb\u200b c\n\n d ')).toBe('ab c d')
})

test('a text has its 5-grams with a mark at either end, and one gram if it is short', () => {
  expect([...shingles('a b c d e')]).toEqual(['^ a b c d', 'a b c d e', 'b c d e $'])
  expect([...shingles('a b c')]).toEqual(['^ a b c $'])
  expect([...shingles('a')]).toEqual(['^ a $'])
  expect([...shingles('')]).toEqual(['^ $'])
})
