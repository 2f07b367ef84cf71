import { expect, test } from 'vitest'
import { skeleton } from './confusables.ts'

/** The skeletons of characters, one by one. */
const each = (characters: string) => [...characters].map(skeleton)

test('a letter becomes the letter that its capital looks like', () => {
  expect(each('IilMmß')).toEqual(['l', 'l', 'l', 'm', 'm', 'ss'])
})

test('a letter whose capital looks like nothing becomes what it looks like itself, as a capital of that', () => {
  expect(each('ɑɡσһ')).toEqual(['a', 'g', 'o', 'h'])
  expect(each('ɪ')).toEqual(['l'])
  expect(each('ъ')).toEqual(['ъ'])
})

test('one look-alike may be several letters', () => {
  expect(each('Ææœ')).toEqual(['ae', 'ae', 'oe'])
})

test('letters without a look-alike keep their own form, in lower case', () => {
  expect(each('ÐØðøł')).toEqual(['ð', 'ø', 'ð', 'ø', 'ł'])
})

test('a look-alike with a mark or a sign in it does not replace a letter', () => {
  expect(each('ƥƁ¢%')).toEqual(['ƥ', 'ɓ', '¢', '%'])
})
