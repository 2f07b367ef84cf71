import { expect, test } from 'vitest'
import type { RewardWhy } from '#client/index.ts'
import { rewardLines } from './rewardLines.ts'

const WEI = 10n ** 18n
const formula = { pot: '9', weight: '1', whole: '3' }
const reason = (role: string, sourceId: string, amount: bigint, versionId: string | null = '2') => ({
  ...{ role, versionId, kind: 'contribution', sourceId, amount: amount.toString() },
  ...formula,
})
const why = {
  ...{ epoch: 3, account: '0xab', earned: (6n * WEI).toString(), cumulative: (7n * WEI).toString() },
  reasons: [
    reason('validators', '12', WEI),
    ...Array.from({ length: 200 }, (_, nth) => reason('data', `${nth}`, WEI / 40n)),
  ],
} as unknown as RewardWhy

test('the total comes first, then the kinds of reasons with their sums, the largest first', () => {
  expect(rewardLines('0xab', why)).toEqual([
    'Epoch 3 gave 0xab 6 gOPEN; with all epochs before, 7 gOPEN, claimed or not.',
    '  5 gOPEN\tdata, for its weight in the version that served, version 2: 200 amounts',
    '  1 gOPEN\tvalidators, for judgements that trained the version, version 2: 1 amount',
    '--all shows each amount with its formula.',
  ])
})

test('on request each amount has its formula', () => {
  const lines = rewardLines('0xab', why, { all: true })
  expect(lines).toHaveLength(1 + 2 + 201)
  expect(lines.at(-1)).toBe('    1 gOPEN\tvalidators by contribution 12, version 2\t⌊9 × 1 / 3⌋ wei')
})

test('nothing is said plainly', () => {
  expect(rewardLines('0xab', null)).toEqual(['0xab got nothing in this epoch and those before.'])
})
