import { expect, test } from 'vitest'
import { withDistances } from './chainTime.ts'
import { lineOf } from './plainText.ts'

const NOW = Date.parse('2025-10-09T08:54:15.000Z')

test('people read amounts in tokens, moments as dates with their distance from the chain’s time, and the first line of a description; what is not there is left out', () => {
  expect(
    lineOf(
      {
        ...{
          id: '7',
          description: 'Mandate for model 1\nspecification 0x12',
          state: 'Active',
          voteStart: '1760000097',
        },
        ...{ forVotes: '5500000000000000000000', minStake: 10n ** 16n, reason: null, quorumReached: false },
        ...{ url: 'https://x.example', owner: { id: 3n }, fees: 2n * 10n ** 18n, openedAt: '2025-10-09T08:50:15.000Z' },
        prompt: 'Sent at 2025-10-09T08:00:00Z',
      },
      NOW,
    ),
  ).toBe(
    'id 7  description Mandate for model 1  state Active  voteStart 2025-10-09T08:54:57.000Z, in 42 s  forVotes 5500  minStake 0.01 gOPEN  quorumReached false  url https://x.example  owner {"id":"3"}  fees 2 gOPEN  openedAt 2025-10-09T08:50:15.000Z, 4 min ago  prompt Sent at 2025-10-09T08:00:00Z',
  )
  expect(lineOf({ wei: 15n * 10n ** 17n }, NOW)).toBe('wei 1500000000000000000 (1.5 gOPEN)')
  // The clock of another Governor counts blocks.
  expect(lineOf({ voteStart: 21_000_000 }, NOW)).toBe('voteStart 21000000')
})

test('each moment in a sentence says how far it is', () => {
  expect(withDistances('modelcommons vote 7 for (until 2025-10-09T10:54:15.000Z)', NOW)).toBe(
    'modelcommons vote 7 for (until 2025-10-09T10:54:15.000Z, in 2 h)',
  )
})
