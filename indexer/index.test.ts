import { maxUint256 } from 'viem'
import { expect, test } from 'vitest'
import type { ContractName } from '#contracts/events.ts'
import type { Database } from '#schema/database.ts'
import { freshDatabase } from '#test/database.ts'
import { handlers } from './handlers/index.ts'
import { type IndexerOptions, startIndexer } from './index.ts'
import { type TestChain, testChain } from './test/chain.ts'
import { difference } from './test/compare.ts'
import { expectAgreement } from './test/oracle.ts'
import { playStory, STORY_SETTINGS } from './test/story.ts'
import { wholeOpen } from './test/values.ts'

/** No transaction can make the deployed contracts emit these. */
const NEVER_EMITTED = new Set(['EIP712DomainChanged', 'RoleAdminChanged', 'RoleRevoked'])

/** Indexes a chain up to its head, then stops. */
async function sync(chain: TestChain, db: Database, options: Partial<IndexerOptions> = {}) {
  const stop = new AbortController()
  const indexer = await startIndexer({
    db,
    rpcUrl: chain.url,
    deployment: chain.deployment,
    signal: stop.signal,
    ...options,
  })
  await indexer.caughtUp()
  stop.abort()
  await indexer.stopped
  return indexer
}

const present = async (db: Database, table: string, columns: string) =>
  (await db.query(`select ${columns} from ${table} where to_block is null order by id`)).rows

test('every event of the contracts becomes rows, and the rows agree with the contracts', async () => {
  const chain = await testChain(STORY_SETTINGS)
  await playStory(chain)
  const db = await freshDatabase()
  const { status } = await sync(chain, db)

  const { rows: stored } = await db.query<{ contract: ContractName; name: string }>(
    'select distinct contract, name from chain_event',
  )
  for (const [contract, table] of Object.entries(handlers))
    for (const name of Object.keys(table))
      if (!NEVER_EMITTED.has(name)) expect(stored).toContainEqual({ contract, name })
  await expectAgreement(chain, db)

  const [one, two, three, four] = await present(db, 'contribution', 'status, quality, excluded, slashed, stake')
  expect(one).toEqual({ status: 'Accepted', quality: 900_000, excluded: false, slashed: 0n, stake: 0n })
  expect(two).toMatchObject({ status: 'Rejected', slashed: 5n * 10n ** 17n, stake: 0n })
  expect(three).toMatchObject({ excluded: true, slashed: 25n * 10n ** 16n })
  expect(four).toMatchObject({ excluded: false, stake: 10n ** 18n })
  expect(await present(db, 'dispute', 'subject, outcome')).toEqual([
    { subject: 'RewardMap', outcome: 'Upheld' },
    { subject: 'Contribution', outcome: 'Upheld' },
    { subject: 'Judgement', outcome: 'Upheld' },
    { subject: 'Version', outcome: 'Upheld' },
    { subject: 'Version', outcome: 'Rejected' },
  ])
  expect(await present(db, 'model', 'bond_status, live_version_id')).toEqual([
    { bond_status: 'Returned', live_version_id: '2' },
    { bond_status: 'Slashed', live_version_id: null },
  ])
  expect(await present(db, 'target', 'metric, minimum, may_fall')).toContainEqual({
    metric: 'accuracy',
    minimum: 500_000n,
    may_fall: false,
  })
  expect(await present(db, 'model', 'spec_uri')).toContainEqual({ spec_uri: 'ipfs://spec\uFFFD' })
  expect(await present(db, 'failed_redemption', 'endpoint_id, reason')).toEqual([
    { endpoint_id: String(maxUint256), reason: 'UnknownEndpoint' },
    { endpoint_id: '2', reason: 'OtherChannel' },
    { endpoint_id: '1', reason: 'BadSignature' },
    { endpoint_id: '1', reason: 'BeyondCeiling' },
    { endpoint_id: '1', reason: 'NothingNew' },
    { endpoint_id: '2', reason: 'InsufficientCredit' },
    { endpoint_id: '1', reason: 'NotHost' },
  ])
  expect(await present(db, 'redemption', 'epoch, version_id, total, amount')).toEqual([
    { epoch: 1, version_id: '2', total: wholeOpen(5), amount: wholeOpen(5) },
    { epoch: 1, version_id: '2', total: wholeOpen(1), amount: wholeOpen(1) },
    { epoch: 2, version_id: '3', total: wholeOpen(6), amount: wholeOpen(1) },
  ])
  const stranger = chain.accounts[2]
  expect(await present(db, 'reward_map', 'status, publisher, bond, bond_released_to')).toEqual([
    { status: 'Published', publisher: null, bond: 0n, bond_released_to: null },
    { status: 'Published', publisher: stranger, bond: 0n, bond_released_to: stranger },
  ])
  const { rows: cancelled } = await db.query(
    `select publisher, bond, bond_released_to from reward_map where id = '1' and status = 'Cancelled'`,
  )
  const treasury = chain.deployment.addresses.Treasury.toLowerCase()
  expect(cancelled).toEqual([{ publisher: stranger, bond: 0n, bond_released_to: treasury }])
  const judgement = `1-${chain.accounts[2]}`
  expect(await present(db, 'slash', 'subject_id, role')).toContainEqual({ subject_id: judgement, role: 'validator' })
  const { rows: blocks } = await db.query('select count(*)::int as count from block where number = $1', [
    status().block,
  ])
  expect(blocks).toEqual([{ count: 1 }])

  const again = await freshDatabase()
  await sync(chain, again, { confirmations: 10_000 })
  expect(await difference(db, again)).toEqual([])
  await again.query(`update vote set weight = weight + 1 where support = 2`)
  expect(await difference(db, again)).toHaveLength(2)
})
