import { expect, test } from 'vitest'
import { Receipt } from '#schema/offchain/attribution.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Redemption } from '#schema/onchain/market.ts'
import { Mandate, Model, ModelVersion } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { account, countTotals, insert, insertAll, insertChain } from '#test/factory.ts'
import { testApi } from '../test/api.ts'

test('the overview counts every stage, as of a block', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 30)
  await insertAll(db, Model, [{ id: '1' }, { id: '2', fromBlock: 20 }])
  await insert(db, Mandate, { id: '1' })
  await insertAll(db, Contribution, [
    { id: '1', status: 'Accepted', contributor: account(1) },
    { id: '2', contributor: account(1) },
    { id: '3', contributor: account(2) },
  ])
  await insertAll(db, ModelVersion, [{ id: '1', status: 'Promoted' }, { id: '2' }])
  await insertAll(db, Receipt, [
    { id: 'a', jobId: 'a', fee: 3n, isOpen: true },
    { id: 'b', jobId: 'b', fee: 10n ** 25n, epoch: 1 },
    { id: 'c', jobId: 'c', fee: 5n },
  ])
  await insertAll(db, Redemption, [
    { id: 'a', amount: 1n },
    { id: 'b', amount: 2n },
  ])
  await insertAll(db, RewardMap, [
    { id: '1', status: 'Published', total: 3n },
    { id: '2', status: 'Cancelled', total: 9n },
  ])
  await countTotals(db)
  const fields =
    'models mandates contributors contributions acceptedContributions versions promotedVersions receipts fees settledFees epochs rewards claimed disputes jobs'
  const { data } = await ask(`{ overview { ${fields} } before: overview(asOf: { block: 10 }) { models } }`)
  expect(data).toEqual({
    overview: {
      models: 2,
      mandates: 1,
      contributors: 2,
      contributions: 3,
      acceptedContributions: 1,
      versions: 2,
      promotedVersions: 1,
      receipts: 3,
      fees: String(10n ** 25n + 3n),
      settledFees: '3',
      epochs: 1,
      rewards: '3',
      claimed: '0',
      disputes: 0,
      jobs: 0,
    },
    before: { models: 1 },
  })
})
