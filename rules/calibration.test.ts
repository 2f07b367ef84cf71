import { expect, test } from 'vitest'
import { calibrationOf } from './calibration.ts'

const answer = (right: boolean, confidence: number, epoch = 5n) => ({
  taskId: '1',
  validator: 'a',
  right,
  confidence,
  epoch,
})

test('without gold tasks nothing is known', () => {
  expect(calibrationOf([], 7n)).toEqual({ tasks: 0n, accuracy: 0n, lower: 0n, upper: 1_000_000n, confidence: 0n })
})

test('accuracy has the interval of Wilson, and stands beside the stated confidence', () => {
  const answers = [...Array(8).fill(answer(true, 90)), ...Array(2).fill(answer(false, 60))]
  const { tasks, accuracy, lower, upper, confidence } = calibrationOf(answers, 5n)
  expect([tasks, accuracy, confidence]).toEqual([10_000_000n, 800_000n, 840_000n])
  // Wilson for 8 of 10: 0.4902 to 0.9433.
  expect(Math.abs(Number(lower) - 490_162)).toBeLessThan(3)
  expect(Math.abs(Number(upper) - 943_318)).toBeLessThan(3)
})

test('old answers fade, also while nothing new comes', () => {
  const old = calibrationOf([answer(false, 50, 1n), answer(true, 100, 2n)], 2n)
  expect(old).toMatchObject({ tasks: 1_950_000n, accuracy: 512_820n, confidence: 756_410n })
  const later = calibrationOf([answer(false, 50, 1n), answer(true, 100, 2n)], 40n)
  expect(later.tasks < 300_000n).toBe(true)
  expect(later.upper - later.lower > old.upper - old.lower).toBe(true)
})
