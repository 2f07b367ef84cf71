import { expect, test } from 'vitest'
import { SignedVoucher } from '#schema/offchain/access.ts'
import { CreditHold } from '#schema/offchain/attribution.ts'
import { PaymentChannel } from '#schema/onchain/market.ts'
import { rowOf } from '#schema/rows.ts'
import { freshDatabase } from '#test/database.ts'
import { account, blockTime, insert, insertChain } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { requireCovered } from './requireCovered.ts'

const CHANNEL = `0x${'5'.repeat(64)}`
const HEAD = 10
const seconds = (after: number) => new Date(blockTime(HEAD).getTime() + after * 1000)

/** A channel of 100 wei with two calls of 40 in flight, of which `first` was reserved before `second`. */
async function twoCalls() {
  const db = await freshDatabase()
  await insertChain(db, HEAD)
  const consumer = account(7)
  await insert(db, PaymentChannel, { id: CHANNEL, consumer, balance: 100n, deposited: 100n })
  await insert(db, SignedVoucher, { id: CHANNEL, consumer, ceiling: 1000n })
  const call = { consumer, channelId: CHANNEL, maximum: 40n, open: true }
  await insert(db, CreditHold, { id: 'first', ...call, createdAt: blockTime(1) })
  await insert(db, CreditHold, { id: 'second', ...call, createdAt: blockTime(2) })
  await insert(db, CreditHold, { id: 'closed', ...call, open: false, createdAt: blockTime(0) })
  const covered = async (id: string) =>
    requireCovered(db, must(await rowOf(db, CreditHold, id))).then(
      () => true,
      (error) => error.code as string,
    )
  const change = (assignments: string, ...values: unknown[]) =>
    db.query(`update payment_channel set ${assignments}`, values)
  return { db, covered, change }
}

test('a reserved call is answered while its credit is there, also during the delay of a withdrawal', async () => {
  const { covered, change } = await twoCalls()
  expect(await covered('second')).toBe(true)
  await change('withdrawing = balance, withdrawable_at = $1', seconds(301))
  expect(await covered('second')).toBe(true) // the host redeems first
})

test('a call that waited until its consumer can withdraw, or has withdrawn, is not answered', async () => {
  const { covered, change } = await twoCalls()
  await change('withdrawing = balance, withdrawable_at = $1', seconds(299))
  expect(await covered('first')).toBe('NOT_ENOUGH_CREDIT')
  await change('withdrawing = 20')
  expect(await covered('second')).toBe(true)
  await change('withdrawing = 21')
  expect(await covered('first')).toBe(true)
  expect(await covered('second')).toBe('NOT_ENOUGH_CREDIT') // what is left is for the one that was reserved first
  await change('withdrawing = 0, withdrawable_at = null, balance = 79, withdrawn = 21')
  expect([await covered('first'), await covered('second')]).toEqual([true, 'NOT_ENOUGH_CREDIT'])
})

test('fees that are owed count, those that are redeemed do not; a channel of a retracted block covers nothing', async () => {
  const { db, covered, change } = await twoCalls()
  await db.query('update signed_voucher set used = 21')
  expect(await covered('second')).toBe('NOT_ENOUGH_CREDIT')
  await change('redeemed = 21, balance = 80')
  expect(await covered('second')).toBe(true)
  await change('to_block = 5')
  expect(await covered('first')).toBe('NOT_ENOUGH_CREDIT')
})

test('a free call needs no channel', async () => {
  const { db, covered } = await twoCalls()
  await insert(db, CreditHold, { id: 'free', channelId: null, open: true })
  expect(await covered('free')).toBe(true)
})
