import { expect, test } from 'vitest'
import { ancestors } from './lineage.ts'

const parent = (id: string) => (Number(id) > 1 ? String(Number(id) - 1) : null)

test('ancestors come nearest first and stop at the depth or at the first version', () => {
  expect(ancestors('4', parent)).toEqual(['3', '2', '1'])
  expect(ancestors('20', parent)).toHaveLength(8)
  expect(ancestors('20', parent, 2)).toEqual(['19', '18'])
  expect(ancestors('1', parent)).toEqual([])
})

test('a cycle is an error, not an endless loop', () => {
  expect(() => ancestors('a', (id) => (id === 'a' ? 'b' : 'a'))).toThrow(/own ancestor/)
  expect(() => ancestors('a', () => 'a', 1)).toThrow(/Version a is its own ancestor/)
})
