import { expect, test } from 'vitest'
import { ALICE, BOB, CONSUMER, OPERATOR, STRANGER } from '#contracts/test/world.ts'
import { until } from '#indexer/test/follow.ts'
import type { Database } from '#schema/database.ts'
import { enqueue } from '#schema/enqueue.ts'
import { answeringSystem, CREDIT, FEE } from '#test/answeringSystem.ts'
import { freshDatabase } from '#test/database.ts'
import type { ChainClient } from '../chain.ts'
import { ChainUnavailableError } from '../chainErrors.ts'
import { dueSettlements } from './policy.ts'

const queues = { add: async () => {} }
const DAY_MS = 86_400_000

/** What the policy would start now. */
async function dueJobs(db: Database, over: { redeemAfterMs?: number; redeemMin?: bigint } = {}): Promise<string[]> {
  const account = OPERATOR.address.toLowerCase()
  const due = await dueSettlements({ db, account, publishes: true, redeemAfterMs: DAY_MS, redeemMin: 0n, ...over })
  return due.map(({ kind }) => kind)
}

test('a consumer who withdraws, or whose voucher is bad, keeps nobody from being paid, and costs no gas twice', async () => {
  const { serving, world, grant, deposit, configOf, redeemed } = await answeringSystem()
  const db = await freshDatabase()
  const [alice, bob] = [await deposit(ALICE, CREDIT), await deposit(BOB, CREDIT)]
  const transactions = () => world.client.getTransactionCount({ address: OPERATOR.address })
  await serving(db, async ({ answer, redeem }) => {
    for (const one of [CONSUMER, ALICE, BOB]) await grant(db, CREDIT, one)
    for (const one of [CONSUMER, ALICE, BOB]) await answer(`by ${one.address}`, {}, one)
    await db.query('update signed_voucher set signature = $2 where id = $1', [bob, `0x${'11'.repeat(64)}1b`])
    await world.send(ALICE, 'InferenceMarket', 'requestWithdrawal', [configOf(ALICE), CREDIT])
    await world.warp(301)
    await world.send(ALICE, 'InferenceMarket', 'withdraw', [configOf(ALICE)])
    await expect(redeem('1')).resolves.toEqual({
      channels: 1,
      amount: String(FEE),
      owed: String(FEE),
      failed: [{ channelId: bob, ceiling: String(CREDIT), reason: 'BadSignature' }],
    })
    expect([await redeemed(), await redeemed(alice), await redeemed(bob)]).toEqual([FEE, 0n, 0n])

    const sent = await transactions()
    await expect(redeem('2')).resolves.toMatchObject({ channels: 0, failed: [{ channelId: bob }] })
    expect(await dueJobs(db, { redeemAfterMs: 0 })).not.toContain('redeem')
    await deposit(ALICE, 2n)
    await expect(redeem('3')).resolves.toMatchObject({ channels: 1, amount: '2', owed: String(FEE - 2n) })
    expect(await redeemed(alice)).toBe(2n)
    expect(await transactions()).toBe(sent + 1)
    await grant(db, CREDIT + 1n, BOB)
    expect(await dueJobs(db, { redeemAfterMs: 0 })).toContain('redeem')
    await expect(redeem('4')).resolves.toMatchObject({ channels: 1, amount: String(FEE), failed: [] })
  })
})

test('fees are redeemed without a person when they are old, or when a withdrawal would take their credit', async () => {
  const { serving, world, grant, configOf, redeemed, channel } = await answeringSystem()
  const db = await freshDatabase()
  await serving(db, async ({ answer, redeem }) => {
    await grant(db)
    expect(await dueJobs(db, { redeemAfterMs: 0 })).toEqual([])
    await answer('one')
    expect(await dueJobs(db)).toEqual([])
    expect(await dueJobs(db, { redeemAfterMs: 0, redeemMin: FEE + 1n })).toEqual([])
    expect(await dueJobs(db, { redeemAfterMs: 0, redeemMin: FEE })).toEqual(['redeem'])

    // A redemption of a stranger that fails names the channel: the host still redeems it.
    const redemption = { endpointId: 1n, channel: configOf(CONSUMER), ceiling: 1n, total: 1n, signature: '0x' } as const
    const { block } = await world.send(STRANGER, 'InferenceMarket', 'redeem', [[redemption]])
    await until(
      'it is indexed',
      async () => (await db.query('select 1 from cursor where block >= $1', [block])).rowCount === 1,
    )
    expect((await db.query('select reason from failed_redemption where channel_id = $1', [channel])).rows).toEqual([
      { reason: 'NotHost' },
    ])
    expect(await dueJobs(db, { redeemAfterMs: 0 })).toEqual(['redeem'])

    const request = async (amount: bigint) => {
      const { block } = await world.send(CONSUMER, 'InferenceMarket', 'requestWithdrawal', [configOf(CONSUMER), amount])
      await until(
        'it is indexed',
        async () => (await db.query('select 1 from cursor where block >= $1', [block])).rowCount === 1,
      )
    }
    await request(CREDIT - FEE)
    expect(await dueJobs(db)).toEqual([])
    await request(CREDIT - FEE + 1n)
    expect(await dueJobs(db, { redeemMin: FEE + 1n })).toEqual(['redeem'])
    await redeem('1')
    expect(await dueJobs(db)).toEqual([])
    expect(await redeemed()).toBe(FEE)
  })
  await serving(
    db,
    async () => {
      await until('the epoch is settled', async () => {
        const { rowCount } = await db.query(
          `select 1 from reward_map where epoch = 1 and status = 'Published' and to_block is null`,
        )
        if (!rowCount) await world.mine(10)
        return rowCount === 1
      })
    },
    { policy: { redeemAfterMs: DAY_MS } },
  )
  const { rows } = await db.query(
    `select kind, count(*)::int as jobs from job_run where kind in ('redeem', 'settleEpoch') group by kind order by kind`,
  )
  expect(rows).toEqual([
    { kind: 'redeem', jobs: 1 },
    { kind: 'settleEpoch', jobs: 1 },
  ])
})

test('two workers redeem at once, a crash after the transaction, and a reorganisation: each fee is paid once', async () => {
  const { serving, world, grant, redeemed } = await answeringSystem()
  const db = await freshDatabase()
  const transactions = () => world.client.getTransactionCount({ address: OPERATOR.address })
  const start = (key: string) => enqueue({ db, queues }, 'redeem', {}, { key, requestedBy: null })
  await serving(db, async ({ answer, ended }) => {
    await grant(db)
    await answer('one')
    const before = await transactions()
    const both = await Promise.all([start('a'), start('b')])
    await Promise.all(both.map(({ id }) => ended(id)))
    expect([await redeemed(), await transactions()]).toEqual([FEE, before + 1])
    await answer('two')
  })
  let crashed = false
  const crashing = (chain: ChainClient): ChainClient => ({
    ...chain,
    async transact(...call) {
      const receipt = await chain.transact(...call)
      if (crashed) return receipt
      crashed = true
      throw new ChainUnavailableError('unreachable', 'The answer to the transaction was lost.')
    },
  })
  const snapshot = await world.snapshot()
  await serving(db, async ({ ended }) => void (await ended((await start('c')).id)), { through: crashing })
  expect(crashed).toBe(true)
  expect(await redeemed()).toBe(2n * FEE)

  await world.revert(snapshot)
  expect(await redeemed()).toBe(FEE)
  await world.mine(5)
  await serving(db, async ({ redeem, answer, settle }) => {
    await redeem('d')
    expect(await redeemed()).toBe(2n * FEE)
    await answer('three')
    await settle(1)
    await settle(2).catch((error) => expect(error.message).toContain('NOTHING_TO_SETTLE'))
    expect(await redeemed()).toBe(3n * FEE)
  })
  const { rows } = await db.query(
    `select sum(amount) as fees, (select sum(funded) from reward_map where to_block is null) as funded,
       (select sum(fee) from receipt where epoch is not null) as receipts from redemption where to_block is null`,
  )
  expect(rows).toEqual([{ fees: 3n * FEE, funded: 3n * FEE, receipts: 3n * FEE }])
  expect((await db.query(`select status from job_run where kind = 'redeem' and status <> 'Succeeded'`)).rows).toEqual(
    [],
  )
})
