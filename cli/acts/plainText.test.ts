import { expect, test } from 'vitest'
import { lineOf } from './plainText.ts'

test('people read amounts in tokens, moments as dates, and the first line of a description; what is not there is left out', () => {
  expect(
    lineOf({
      ...{ id: '7', description: 'Mandate for model 1\nspecification 0x12', state: 'Active', voteStart: '1760000097' },
      ...{ forVotes: '5500000000000000000000', minStake: 10n ** 16n, reason: null, quorumReached: false },
      ...{ url: 'https://x.example', owner: { id: 3n } },
    }),
  ).toBe(
    'id 7  description Mandate for model 1  state Active  voteStart 2025-10-09T08:54:57.000Z  forVotes 5500  minStake 0.01 gOPEN  quorumReached false  url https://x.example  owner {"id":"3"}',
  )
  expect(lineOf({ wei: 15n * 10n ** 17n })).toBe('wei 1500000000000000000 (1.5 gOPEN)')
  // The clock of another Governor counts blocks.
  expect(lineOf({ voteStart: 21_000_000 })).toBe('voteStart 21000000')
})
