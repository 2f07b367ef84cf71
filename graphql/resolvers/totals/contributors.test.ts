import { expect, test } from 'vitest'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import { account, countTotals, insert, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from '../../test/api.ts'

test('a contributor’s summary adds up contributions, weights and earnings, with the reasons', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  const me = '0x00000000000000000000000000000000000000aB'
  const mine = { contributor: me.toLowerCase() }
  await insertAll(db, Contribution, [
    { id: '1', ...mine, status: 'Accepted', stake: 5n },
    { id: '2', ...mine, status: 'Accepted', stake: 5n, excluded: true, slashed: 3n },
    { id: '3', ...mine, status: 'Rejected' },
    { id: '4', ...mine, fromBlock: 20 },
    { id: '5', contributor: account(1) },
  ])
  await insertAll(db, VersionInfluence, [
    { id: '1-1', versionId: '1', contributionId: '1', weight: 400_000 },
    { id: '2-1', versionId: '2', contributionId: '1', weight: 100_000 },
    { id: '1-5', versionId: '1', contributionId: '5', weight: 600_000 },
  ])
  await insertAll(db, RewardMap, [
    { id: '1', epoch: 1, status: 'Published' },
    { id: '2', epoch: 2, status: 'Cancelled' },
  ])
  await insertAll(db, RewardLine, [
    {
      id: '1-1',
      mapId: '1',
      account: mine.contributor,
      role: 'data',
      source: 'contribution:1',
      amount: 10n ** 20n,
      inputs: { weight: '4' },
    },
    { id: '1-2', mapId: '1', account: mine.contributor, role: 'validator', source: 'task:1', amount: 1n },
    { id: '2-1', mapId: '2', account: mine.contributor, role: 'data', source: 'contribution:1', amount: 7n },
  ])
  await insert(db, RewardClaim, { id: 'c', mapId: '1', account: mine.contributor, amount: 10n })
  await countTotals(db)
  const { data } = await ask(
    `{ contributor(account: "${me}") { account contributions accepted rejected excluded staked slashed weight earned claimed reasons { epoch role source amount inputs } } before: contributor(account: "${me}", asOf: { block: 19 }) { contributions } none: contributor(account: "${account(50)}") { contributions earned reasons { role } } }`,
  )
  expect(data.contributor).toEqual({
    account: mine.contributor,
    contributions: 4,
    accepted: 2,
    rejected: 1,
    excluded: 1,
    staked: '10',
    slashed: '3',
    weight: '500000',
    earned: String(10n ** 20n + 1n),
    claimed: '10',
    reasons: [
      { epoch: 1, role: 'data', source: 'contribution:1', amount: String(10n ** 20n), inputs: { weight: '4' } },
      { epoch: 1, role: 'validator', source: 'task:1', amount: '1', inputs: {} },
    ],
  })
  expect(data.before.contributions).toBe(3)
  expect(data.none).toEqual({ contributions: 0, earned: '0', reasons: [] })
})
