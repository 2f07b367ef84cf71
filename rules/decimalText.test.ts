import { expect, test } from 'vitest'
import { decimalText } from './decimalText.ts'

test('parts per million are written exactly, without zeros at the end', () => {
  const written = [0n, 1n, 450_000n, 999_999n, 1_000_000n, 1_000_001n, 12_500_000n, -450_000n, -1n, -2_000_000n]
  expect(written.map(decimalText)).toEqual([
    ...['0', '0.000001', '0.45', '0.999999', '1', '1.000001'],
    ...['12.5', '-0.45', '-0.000001', '-2'],
  ])
})
