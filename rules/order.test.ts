import { expect, test } from 'vitest'
import { ascending } from './order.ts'

test('texts are sorted by code unit, amounts by value, and equal ones keep their order', () => {
  expect(['b', 'a', 'é', 'B', ''].sort(ascending)).toEqual(['', 'B', 'a', 'b', 'é'])
  expect([10n, -1n, 9n].sort(ascending)).toEqual([-1n, 9n, 10n])
  expect(ascending('a', 'a')).toBe(0)
})
