import { expect, test } from 'vitest'
import { LargeMap } from './largeMap.ts'

test('no part has more entries than there is room for, and a key that is set again stays in its part', () => {
  const map = new LargeMap<number, string>(3)
  const { parts } = map as unknown as { parts: Map<number, string>[] }
  const sizes = () => parts.map(({ size }) => size)
  for (let key = 0; key < 7; key++) map.set(key, `first ${key}`)
  expect(sizes()).toEqual([3, 3, 1])
  for (const key of [0, 2, 5, 6]) map.set(key, 'second')
  map.set(7, 'new')
  expect(sizes()).toEqual([3, 3, 2])
  for (const key of [8, 9]) map.set(key, 'new')
  map.set(7, 'again') // in the full last part but one
  expect(sizes()).toEqual([3, 3, 3, 1])
  const values = ['second', 'first 1', 'second', 'first 3', 'first 4', 'second', 'second', 'again', 'new', 'new']
  expect([...map]).toEqual(values.map((value, key) => [key, value]))
  expect([map.has(9), map.get(4), map.has(10), map.get(10)]).toEqual([true, 'first 4', false, undefined])
})
