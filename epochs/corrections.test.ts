import { expect, test } from 'vitest'
import { folderObjects } from '#schema/artifacts/index.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { insert } from '#test/factory.ts'
import { computeEpoch } from './epoch.ts'
import { cumulativeOf, epochRows, FEES, parties } from './test/epochRows.ts'

const { alice, bob, judge, treasury } = parties
const first = { epoch: 1, usage: [], absent: [] }
const second = { epoch: 2, usage: [], absent: [] }

async function afterFirstEpoch() {
  const system = await epochRows()
  const map = await computeEpoch(system.sources, first)
  const uri = await system.publish(map)
  const paidFor = (kind: string, id: string) =>
    map.lines
      .filter(({ source }) => source.kind === kind && source.id === id)
      .reduce((sum, { amount }) => sum + Number(amount), 0)
  const uphold = async (id: string, subject: Dispute['subject'], subjectId: string, fromBlock: number) => {
    await insert(system.sql, Dispute, { id, subject, subjectId, outcome: 'Upheld', fromBlock })
    if (subject === 'Contribution')
      await system.sql.query('update contribution set excluded = true where id = $1', [subjectId])
  }
  return { ...system, map, uri, paidFor, uphold }
}

test('what earlier maps paid for a contribution is owed to the treasury once a dispute about it is upheld', async () => {
  const { sources, paidFor, uphold, map } = await afterFirstEpoch()
  const undisputed = await computeEpoch(sources, second)
  const owed = paidFor('contribution', '2')
  expect(owed).toBeGreaterThan(0)
  await uphold('7', 'Contribution', '2', 30)
  const corrected = await computeEpoch(sources, second)
  expect(corrected.lines.filter(({ role }) => role === 'withheld' || role === 'recovered')).toMatchObject([
    { account: bob, amount: String(-owed), source: { kind: 'correction', id: 'the upheld dispute 7' } },
    { account: treasury, amount: String(owed), source: { kind: 'correction', id: 'the upheld dispute 7' } },
  ])
  expect(corrected.debts).toEqual([])
  expect(cumulativeOf(corrected, bob)).toBeGreaterThanOrEqual(cumulativeOf(map, bob))
  expect(cumulativeOf(corrected, bob)).toBeLessThan(cumulativeOf(undisputed, bob))
})

test('what the account does not earn stays owed', async () => {
  const { sources, paidFor, uphold } = await afterFirstEpoch()
  await uphold('1', 'Contribution', '1', 30) // all that alice has
  const map = await computeEpoch(sources, second)
  expect(map.debts).toEqual([
    { account: alice, amount: String(paidFor('contribution', '1')), to: null, reason: 'the upheld dispute 1' },
  ])
})

test('a judgement, too, and only in the epoch whose blocks have the resolution', async () => {
  const { sources, paidFor, uphold } = await afterFirstEpoch()
  await uphold('3', 'Judgement', `1-${judge}`, 41)
  expect((await computeEpoch(sources, second)).debts).toEqual([])
  await uphold('4', 'Judgement', `1-${judge}`, 40)
  const { lines, debts } = await computeEpoch(sources, second)
  const withheld = lines.filter(({ role }) => role === 'withheld').reduce((sum, { amount }) => sum - Number(amount), 0)
  expect(withheld + debts.reduce((sum, { amount }) => sum + Number(amount), 0)).toBe(paidFor('task', '1'))
})

test('a map whose document nobody has names no payments', async () => {
  const { sources, uphold, folder, uri } = await afterFirstEpoch()
  await uphold('7', 'Contribution', '2', 30)
  await folderObjects(folder).delete(uri)
  const map = await computeEpoch(sources, { ...second, absent: [uri] })
  expect(map.debts).toEqual([])
  expect(map.lines.some(({ role }) => role === 'withheld')).toBe(false)
})

test('whatever amounts a false document names, an epoch has a map, and no debt is above the fees of the epochs before', async () => {
  const { sources, uphold, map, publish } = await afterFirstEpoch()
  const owedFor = async (amount: string) => {
    const lines = map.lines.map((line) => (line.source.kind === 'contribution' ? { ...line, amount } : line))
    await publish({ ...map, lines })
    const { lines: corrected } = await computeEpoch(sources, second)
    return corrected.filter(({ role }) => role === 'withheld').map(({ pot }) => pot)
  }
  await uphold('7', 'Contribution', '2', 30)
  expect(await owedFor('0')).toEqual([])
  expect(await owedFor('-1')).toEqual([])
  expect(await owedFor('7')).toEqual(['7'])
  expect(await owedFor('9'.repeat(78))).toEqual([String(FEES[1])])
  expect(await owedFor('9'.repeat(79))).toEqual([])
})
