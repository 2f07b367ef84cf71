import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { must } from '#test/must.ts'
import type { EpochRewardMap } from './rewardMap.ts'
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
const carried = { versionId: '3', pot: 'data', amount: 1n } as const
const map: EpochRewardMap = {
  leaves: [{ chain: 1n, distributor: other, epoch: 2n, account, cumulative: 5n }],
  root: `0x${'ab'.repeat(32)}`,
  total: 5n,
  treasury: 0n,
  carried: [carried],
  debts: [],
  lines: [line],
}

test('equal maps have no difference', () => {
  expect(firstDifference(map, structuredClone(map))).toBe(null)
})

test('the same lines, leaves, remainders or debts in another order are a difference', () => {
  const leaf = must(map.leaves[0])
  const debt = { account, to: null, amount: 5n, reason: 'an upheld dispute' }
  const lists: Partial<EpochRewardMap>[] = [
    { lines: [line, { ...line, account: other }] },
    { lines: [line, { ...line, account: other }, line, line, { ...line, account: other }] },
    { leaves: [leaf, { ...leaf, account: other }] },
    { carried: [carried, { ...carried, pot: 'owner' }] },
    { debts: [debt, { ...debt, account: other }] },
    { debts: [debt, { ...debt, reason: 'another dispute' }] },
  ]
  for (const list of lists)
    for (const [name, items] of Object.entries(list) as [string, unknown[]][])
      expect(firstDifference({ ...map, [name]: items.toReversed() }, { ...map, ...list })).toEqual({
        place: `the order of the ${name}, from number 1 on`,
        published: 'another',
        recomputed: 'by the protocol',
      })
})

test('a line with a field less is another line', () => {
  const { whole: _, ...less } = line
  const lines = [less] as unknown as EpochRewardMap['lines']
  expect(firstDifference({ ...map, lines }, map)).toMatchObject({ recomputed: '⌊10 × 1 / 2⌋' })
})

test('the order is told from the first place that differs', () => {
  const [second, third] = [
    { ...line, account: other },
    { ...line, versionId: null },
  ]
  const place = (lines: EpochRewardMap['lines']) =>
    firstDifference({ ...map, lines }, { ...map, lines: [line, second, third] })?.place
  expect(place([line, third, second])).toBe('the order of the lines, from number 2 on')
  expect(place([third, second, line])).toBe('the order of the lines, from number 1 on')
})

test('the cause is named before its consequences', () => {
  const wrong = {
    ...map,
    lines: [{ ...line, amount: 6n }],
    leaves: [{ ...must(map.leaves[0]), cumulative: 6n }],
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
  expect(firstDifference({ ...map, leaves: [{ ...must(map.leaves[0]), chain: 9n }] }, map)?.published).toMatch(
    /chain 9/,
  )
  expect(firstDifference({ ...map, carried: [] }, map)?.place).toBe('carried in data of version 3')
  expect(firstDifference({ ...map, root: `0x${'00'.repeat(32)}` }, map)?.place).toBe('root')
})

test('each view gives the published and the recomputed value', () => {
  const debt = { account, to: null, amount: 5n, reason: 'an upheld dispute' }
  const views: [Partial<EpochRewardMap>, Partial<EpochRewardMap>, string, string, string][] = [
    [
      { debts: [debt] },
      { debts: [{ ...debt, amount: 4n }] },
      `debt of ${account} for an upheld dispute`,
      '5 to the treasury',
      '4 to the treasury',
    ],
    [{ debts: [debt] }, {}, `debt of ${account} for an upheld dispute`, '5 to the treasury', 'nothing'],
    [
      { debts: [{ ...debt, to: other }] },
      { debts: [debt] },
      `debt of ${account} for an upheld dispute`,
      `5 to ${other}`,
      '5 to the treasury',
    ],
    [
      { lines: [{ ...line, weight: 2n }] },
      {},
      `data of ${account} from contribution 7 in version 3`,
      '⌊10 × 2 / 2⌋',
      '⌊10 × 1 / 2⌋',
    ],
    [{ carried: [{ ...carried, amount: 2n }] }, {}, 'carried in data of version 3', '2', '1'],
    [{ total: 6n }, {}, 'total', '6', '5'],
  ]
  for (const [published, recomputed, place, theirs, ours] of views)
    expect(firstDifference({ ...map, ...published }, { ...map, ...recomputed })).toEqual({
      place,
      published: theirs,
      recomputed: ours,
    })
})

test('lines with the same name are compared together, and lines without a version are named without one', () => {
  const platform = { ...line, role: 'platform', versionId: null, source: { kind: 'pot', id: 'fees' } } as const
  const [six, seven] = [
    { ...platform, amount: 6n },
    { ...platform, amount: 7n },
  ]
  expect(firstDifference({ ...map, lines: [platform, six] }, { ...map, lines: [platform, seven] })).toEqual({
    place: `platform of ${account} from pot fees`,
    published: '5, 6',
    recomputed: '5, 7',
  })
})

test('of several differences in one view the first by name is reported, in any order', () => {
  const lines = [{ ...line, account: other }, line]
  const place = `data of ${account} from contribution 7 in version 3`
  expect(firstDifference({ ...map, lines }, { ...map, lines: [] })?.place).toBe(place)
  expect(firstDifference({ ...map, lines: [] }, { ...map, lines })?.place).toBe(place)
})

test('a line whose text only reads like another one is different', () => {
  const forged = { ...line, versionId: null, source: { kind: 'contribution', id: '7 in version 3' } } as const
  expect(firstDifference({ ...map, lines: [forged] }, map)).toMatchObject({ recomputed: 'nothing' })
})
