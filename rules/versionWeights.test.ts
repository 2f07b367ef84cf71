import { expect, test } from 'vitest'
import { countedWeights } from './versionWeights.ts'

test('positive weights of contributions that can earn count, the first of each, in the order of ids', () => {
  const contributors = new Map(['1', '2', '10'].map((id) => [id, '0x01'] as const))
  const weights = [
    { contributionId: '10', weight: 5n },
    { contributionId: '2', weight: 0n },
    { contributionId: '3', weight: 9n },
    { contributionId: '1', weight: -4n },
    { contributionId: '2', weight: 7n },
    { contributionId: '10', weight: 6n },
    { contributionId: '1', weight: 1n },
  ]
  expect(countedWeights(weights, contributors)).toEqual([
    { contributionId: '1', weight: 1n },
    { contributionId: '2', weight: 7n },
    { contributionId: '10', weight: 5n },
  ])
})
