import { expect, test } from 'vitest'
import { SignedVoucher } from '#schema/offchain/access.ts'
import { Endpoint, PaymentChannel } from '#schema/onchain/market.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { account, insert, insertChain } from '#test/factory.ts'
import { testWorker } from '../test/testWorker.ts'
import { applySettlementPolicy } from './policy.ts'

test('an epoch is settled at once after another, and not again at once after itself', async () => {
  const { db, queues } = await testWorker()
  await insertChain(db, 100)
  await db.query('update cursor set final_block = 100')
  for (const epoch of [1, 2]) await insert(db, RewardMap, { id: String(epoch), epoch, status: 'Open', lastBlock: 50 })
  const jobs = async () => (await db.query('select id, input from job_run order by created_at')).rows
  const policy = { db, queues, account: account(1), redeemAfterMs: 1, publishes: true, redeemMin: 0n }
  const end = (status: string) => db.query('update job_run set status = $1, finished_at = clock_timestamp()', [status])

  await Promise.all([applySettlementPolicy(policy), applySettlementPolicy(policy)])
  expect((await jobs()).map(({ input }) => input)).toEqual([{ epoch: 1 }])
  await end('Succeeded')
  await applySettlementPolicy(policy) // the index has not seen it yet
  expect(await jobs()).toHaveLength(1)

  await db.query(`update reward_map set status = 'Published' where epoch = 1`)
  await applySettlementPolicy(policy)
  expect((await jobs()).map(({ input }) => input)).toEqual([{ epoch: 1 }, { epoch: 2 }])
  await end('Failed')
  await applySettlementPolicy(policy)
  expect(await jobs()).toHaveLength(2)
})

test('fees that are due after others were redeemed are redeemed at once; where nothing could be redeemed, only after a pause', async () => {
  const { db, queues, enqueue } = await testWorker()
  await insertChain(db, 100)
  const [host, channel] = [account(1), `0x${'5'.repeat(64)}`]
  await insert(db, Endpoint, { id: '1', host })
  await insert(db, PaymentChannel, { id: channel, endpointId: '1', balance: 10n, withdrawing: 10n, redeemed: 0n })
  await insert(db, SignedVoucher, { id: channel, ceiling: 10n, used: 5n })
  const apply = () =>
    applySettlementPolicy({ db, queues, account: host, redeemAfterMs: 3_600_000, publishes: false, redeemMin: 0n })
  const jobs = async () => (await db.query('select id from job_run')).rowCount
  const { id } = await enqueue('redeem', {})
  const end = (channels: number) =>
    db.query(`update job_run set status = 'Succeeded', finished_at = clock_timestamp(), result = $2 where id = $1`, [
      id,
      { channels },
    ])
  await end(0)
  await apply()
  expect(await jobs()).toBe(1)
  await end(1)
  await apply()
  expect(await jobs()).toBe(2)
})
