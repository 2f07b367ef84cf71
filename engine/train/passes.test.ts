import { expect, test } from 'vitest'
import { inPasses } from './passes.ts'

const items = ['a', 'b', 'c', 'd', 'e']
const sorted = (chosen: readonly string[]) => [...chosen].sort().join('')

test('each pass has every item once, in its own order, and a part begins where the part before it ended', () => {
  const passes = [0, 5, 10].map((from) => inPasses(items, 'seed', from, 5))
  expect(passes.map(sorted)).toEqual(['abcde', 'abcde', 'abcde'])
  expect(new Set(passes.map((pass) => pass.join(''))).size).toBe(3)
  const parts = [0, 4, 8, 12].flatMap((from) => inPasses(items, 'seed', from, 4))
  expect(parts.slice(0, 15)).toEqual(passes.flat())
  expect(inPasses(items, 'seed', 3, 9)).toEqual(passes.flat().slice(3, 12))
  expect(inPasses(items, 'other', 0, 15)).not.toEqual(passes.flat())
})

test('of no items none are chosen', () => {
  expect(inPasses([], 'seed', 0, 3)).toEqual([])
})
