import { expect, test } from 'vitest'
import { quantise } from './quantise.ts'

test('only finite values are recorded', () => {
  expect(quantise(0.1234567, 1_000_000n)).toBe(123457n)
  expect(quantise(-2.5e-6, 1_000_000n)).toBe(-2n)
  expect(() => quantise(Number.NaN, 1n)).toThrow(/measurement/)
})
