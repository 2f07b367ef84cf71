import { expect, test } from 'vitest'
import { commitOrder, expiryOf, firstOpen } from './commitments.ts'

test('commitments are ordered by block, then by their position in it', () => {
  expect(commitOrder(2n, 0n) > commitOrder(1n, 2n ** 32n - 1n)).toBe(true)
  expect(commitOrder(1n, 1n) - commitOrder(1n, 0n)).toBe(1n)
})

test('the first commitment that may still be revealed, in any order of the list', () => {
  const [early, late] = [commitOrder(10n, 1n), commitOrder(10n, 2n)]
  expect(firstOpen([late, early], 10n)).toBe(early)
  expect(firstOpen([early, late], 265n)).toBe(early)
  expect(firstOpen([early, late], 266n)).toBeUndefined()
  expect(firstOpen([], 0n)).toBeUndefined()
  expect(expiryOf(late)).toBe(266n)
})
