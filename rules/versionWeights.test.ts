import { expect, test } from 'vitest'
import { countedWeights } from './versionWeights.ts'

test('positive weights of contributions that can earn count, the first of each, in the order of ids', () => {
  const contributors = new Map(['1', '2', '10'].map((id) => [id, '0x01'] as const))
  const weights = [
    ['10', 5n],
    ['2', 0n],
    ['3', 9n],
    ['1', -4n],
    ['2', 7n],
    ['10', 6n],
    ['1', 1n],
  ] as const
  expect(
    countedWeights(
      weights.map(([contributionId, weight]) => ({ contributionId, weight })),
      contributors,
    ),
  ).toEqual([
    ['1', 1n],
    ['2', 7n],
    ['10', 5n],
  ])
})
