import { expect, test } from 'vitest'
import { normalForm, shingles, tokens } from './shingles.ts'

test('scripts without spaces are split into characters', () => {
  expect(tokens('春眠不覺 OK 2+2', 'code')).toEqual(['春', '眠', '不', '覺', 'ok', '2', '+', '2'])
})

test('punctuation is no token, so a text of only punctuation has none', () => {
  expect(tokens('well-known, "quoted"!', 'code')).toEqual(['well', 'known', 'quoted'])
  expect(tokens('?!', 'code')).toEqual([])
})

test('the normal form has no case, no width, no invisible characters and single spaces within', () => {
  expect(normalForm(' \tＡb\u200b c\n\n d ')).toBe('ab c d')
})

test('a text has its 5-grams with a mark at either end, and one gram if it is short', () => {
  expect([...shingles('a b c d e', 'code')]).toEqual(['^ a b c d', 'a b c d e', 'b c d e $'])
  expect([...shingles('a b c', 'code')]).toEqual(['^ a b c $'])
  expect([...shingles('a', 'code')]).toEqual(['^ a $'])
  expect([...shingles('', 'code')]).toEqual(['^ $'])
})

test('prose has no symbols: inside a word they are nothing, elsewhere they separate', () => {
  expect(tokens('par+=cel a+ +b 3+2 c^d`e ~ f', 'prose')).toEqual(['parcel', 'a', 'b', '3', '2', 'cde', 'f'])
  expect(tokens('par+=cel a+ ~', 'code')).toEqual(['par', '+', '=', 'cel', 'a', '+', '~'])
  expect([...shingles('a+b', 'prose')]).toEqual(['^ ab $'])
})
