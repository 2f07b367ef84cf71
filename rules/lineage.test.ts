import { expect, test } from 'vitest'
import { ancestors, descendants } from './lineage.ts'

const parent = (id: string) => (Number(id) > 1 ? String(Number(id) - 1) : null)

test('ancestors come nearest first and stop at the depth or at the first version', () => {
  expect(ancestors('4', parent)).toEqual(['3', '2', '1'])
  expect(ancestors('20', parent)).toHaveLength(8)
  expect(ancestors('20', parent, 2)).toEqual(['19', '18'])
  expect(ancestors('1', parent)).toEqual([])
})

test('a circle is an error, not a hang', () => {
  expect(() => ancestors('a', (id) => (id === 'a' ? 'b' : 'a'))).toThrow(/own ancestor/)
  expect(() => ancestors('a', () => 'a', 1)).toThrow(/Version a is its own ancestor/)
})

test('descendants come by generation, each once', () => {
  const children: Record<string, string[]> = { a: ['b', 'c'], b: ['d'], c: ['d', 'a'], d: ['e'] }
  const of = (id: string) => children[id] ?? []
  expect(descendants('a', of, 2)).toEqual([
    { versionId: 'b', depth: 1 },
    { versionId: 'c', depth: 1 },
    { versionId: 'd', depth: 2 },
  ])
  expect(descendants('a', of)).toHaveLength(4)
})

test('a descendant on two ways has the distance of the shorter', () => {
  const children: Record<string, string[]> = { a: ['b', 'd'], b: ['c'], c: ['d'] }
  expect(descendants('a', (id) => children[id] ?? [])).toContainEqual({ versionId: 'd', depth: 1 })
})
