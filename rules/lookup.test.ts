import { expect, test } from 'vitest'
import { elementAt, entryOf } from './lookup.ts'

test('what is there is found, also where it is falsy', () => {
  expect(entryOf(new Map([['a', 0]]), 'a')).toBe(0)
  expect(elementAt(['', 'b'], 0)).toBe('')
  expect(elementAt(['', 'b'], 1)).toBe('b')
})

test('what is missing is an error that names it', () => {
  expect(() => entryOf(new Map([['a', 1]]), 'b')).toThrow(new RangeError('There is no entry b.'))
  expect(() => elementAt(['a', 'b'], 2)).toThrow(new RangeError('There is no element 2 of 2.'))
})
