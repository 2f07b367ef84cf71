import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import type { RewardMap } from './rewardMap.ts'
import { firstDifference } from './verification.ts'

const account: Hex = `0x${'11'.repeat(20)}`
const other: Hex = `0x${'22'.repeat(20)}`
const line = {
  account,
  role: 'data',
  versionId: '3',
  source: { kind: 'contribution', id: '7' },
  amount: 5n,
  pot: 10n,
  weight: 1n,
  whole: 2n,
} as const
const map: RewardMap = {
  leaves: [{ chain: 1n, distributor: other, epoch: 2n, account, cumulative: 5n }],
  root: `0x${'ab'.repeat(32)}`,
  total: 5n,
  treasury: 0n,
  carried: [{ versionId: '3', pot: 'data', amount: 1n }],
  debts: [],
  lines: [line],
}

test('equal maps have no difference, whatever the order of their lines', () => {
  const two = { ...line, account: other }
  expect(firstDifference({ ...map, lines: [line, two] }, { ...map, lines: [two, line] })).toBe(null)
})

test('the cause is named before its consequences', () => {
  const wrong = {
    ...map,
    lines: [{ ...line, amount: 6n }],
    leaves: [{ ...map.leaves[0]!, cumulative: 6n }],
    root: `0x${'cd'.repeat(32)}` as Hex,
  }
  expect(firstDifference(wrong, map)).toEqual({
    place: `data of ${account} from contribution 7 in version 3`,
    published: '6',
    recomputed: '5',
  })
})

test('a missing leaf, another chain, lost remainders, an unexplained root', () => {
  expect(firstDifference({ ...map, leaves: [] }, map)).toMatchObject({
    place: `leaf of ${account}`,
    published: 'nothing',
  })
  expect(firstDifference({ ...map, leaves: [{ ...map.leaves[0]!, chain: 9n }] }, map)?.published).toMatch(/chain 9/)
  expect(firstDifference({ ...map, carried: [] }, map)?.place).toBe('carried in data of version 3')
  expect(firstDifference({ ...map, root: `0x${'00'.repeat(32)}` }, map)?.place).toBe('root')
})
