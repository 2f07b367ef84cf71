import { expect, test } from 'vitest'
import { fieldPairs } from './fieldPairs.ts'
import { type RubricMetric, scoreOf } from './rubric.ts'

const metric: RubricMetric = { name: 'exact', kind: 'fields', separator: ' | ', fields: [0, 1] }
const samples = ['a | x | hello', 'b | y | good day', 'a | y | welcome', 'c | x | yes'].map((completion, i) => ({
  prompt: `question ${i}`,
  completion,
}))

test('each right answer is preferred to one that differs in one compared field only', () => {
  const pairs = fieldPairs(samples, [metric], 1)
  expect(pairs.map(({ prompt, chosen }) => ({ prompt, completion: chosen }))).toEqual(samples)
  for (const { chosen, rejected } of pairs) {
    const [right, wrong] = [chosen.split(' | '), rejected.split(' | ')]
    expect(right.filter((field, at) => field !== wrong[at])).toHaveLength(1)
    expect(wrong[2]).toBe(right[2])
    expect(scoreOf(metric, rejected, chosen)).toBe(0)
  }
  expect(fieldPairs(samples, [metric], 1)).toEqual(pairs)
  expect(fieldPairs(samples, [metric], 2)).not.toEqual(pairs)
})

test('without fields, or where all answers have the same, there are none', () => {
  expect(fieldPairs(samples, [{ name: 'format', kind: 'regex', pattern: '.' }], 1)).toEqual([])
  expect(fieldPairs(samples, [{ ...metric, fields: [7] }], 1)).toEqual([])
  expect(fieldPairs([...samples.slice(0, 1), ...samples.slice(0, 1)], [metric], 1)).toEqual([])
})
