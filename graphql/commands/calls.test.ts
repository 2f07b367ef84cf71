import { expect, test } from 'vitest'
import { SignedVoucher } from '#schema/offchain/access.ts'
import { CreditHold } from '#schema/offchain/attribution.ts'
import { Credit, Voucher } from '#schema/onchain/market.ts'
import { insert } from '#test/factory.ts'
import { testApi } from '../test/api.ts'
import { callInput, codeOf, createMarket, jobCount, MAXIMUM, me, REQUEST_ANSWER, submit } from '../test/market.ts'

test('a call reserves its maximum cost within voucher and credit, once', async () => {
  const api = await testApi()
  await createMarket(api)
  await insert(api.db, Credit, { id: me, balance: MAXIMUM * 2n })
  await submit(api, { cumulative: MAXIMUM * 2n })
  const first = await api.ask(REQUEST_ANSWER, { input: callInput(), key: 'a' })
  expect(first.errors).toBeUndefined()
  expect((await api.ask(REQUEST_ANSWER, { input: callInput(), key: 'a' })).data).toEqual(first.data)
  const { rows } = await api.db.query('select id, consumer, maximum, price_in, price_out, open from credit_hold')
  expect(rows).toEqual([
    { id: first.data.infer.id, consumer: me, maximum: MAXIMUM, price_in: 1000n, price_out: 2000n, open: true },
  ])
  // There is room for two calls; of four at the same time, the other two are refused and write nothing.
  const rush = await Promise.all(
    [1, 2, 3, 4].map((n) => api.ask(REQUEST_ANSWER, { input: callInput(), key: `rush ${n}` })),
  )
  expect(rush.map(({ errors }) => errors?.[0]?.extensions.code ?? 'ok').sort()).toEqual([
    'VOUCHER_TOO_SMALL',
    'VOUCHER_TOO_SMALL',
    'VOUCHER_TOO_SMALL',
    'ok',
  ])
  expect(await jobCount(api)).toBe(2)
  expect((await api.db.query('select 1 from credit_hold')).rowCount).toBe(2)
})

test('a call that is tried again reserves its credit again, or is refused; a key whose job was deleted is not charged twice', async () => {
  const api = await testApi()
  await createMarket(api)
  await insert(api.db, Credit, { id: me, balance: MAXIMUM })
  await submit(api, { cumulative: MAXIMUM })
  const { id } = (await api.ask(REQUEST_ANSWER, { input: callInput(), key: 'a' })).data.infer
  const retry = () => api.ask('mutation ($id: ID!) { retryJob(id: $id, idempotencyKey: "r") { status } }', { id })
  const holds = async () => (await api.db.query('select id, open, fee from credit_hold order by open')).rows
  await api.ask('mutation ($id: ID!) { cancelJob(id: $id, idempotencyKey: "c") { id } }', { id })
  expect(await holds()).toEqual([{ id, open: false, fee: 0n }])
  expect((await retry()).data.retryJob).toEqual({ status: 'Queued' })
  expect(await holds()).toEqual([{ id, open: true, fee: null }])

  await api.ask('mutation ($id: ID!) { cancelJob(id: $id, idempotencyKey: "c") { id } }', { id })
  await api.ask(REQUEST_ANSWER, { input: callInput(), key: 'b' })
  expect(await codeOf(retry())).toBe('VOUCHER_TOO_SMALL')
  expect((await api.db.query('select status from job_run where id = $1', [id])).rows).toEqual([{ status: 'Cancelled' }])

  await api.db.query(`delete from credit_hold where id <> $1`, [id])
  await api.db.query('delete from job_run')
  expect(await codeOf(api.ask(REQUEST_ANSWER, { input: callInput(), key: 'a' }))).toBe('IDEMPOTENCY_KEY_REUSED')
  expect(await holds()).toEqual([{ id, open: false, fee: 0n }])
})

test('a call is refused without a serving endpoint, a voucher, or credit; the message gives the missing amount', async () => {
  const api = await testApi()
  await createMarket(api)
  const refuse = async (more: object = {}) =>
    (await api.ask(REQUEST_ANSWER, { input: callInput(more), key: JSON.stringify(more) })).errors?.[0]
  expect((await refuse({ endpointId: '9' }))?.extensions.code).toBe('UNKNOWN_ENDPOINT')
  expect(await refuse({ endpointId: '2' })).toMatchObject({
    extensions: { code: 'VERSION_ROLLED_BACK' },
    message: expect.stringContaining('worse'),
  })
  expect((await refuse({ endpointId: '3' }))?.extensions.code).toBe('VERSION_NOT_PROMOTED')
  expect((await refuse({ consumer: `0x${'g'.repeat(40)}` }))?.extensions.code).toBe('BAD_INPUT')
  expect((await refuse({ maxTokens: 100_000 }))?.extensions.code).toBe('BAD_INPUT')
  expect((await refuse())?.extensions.code).toBe('NO_VOUCHER')
  await submit(api, { cumulative: MAXIMUM - 1n })
  expect(await refuse()).toMatchObject({
    extensions: { code: 'VOUCHER_TOO_SMALL' },
    message: expect.stringContaining(`at least ${MAXIMUM}`),
  })
  await submit(api, { cumulative: 10n * MAXIMUM })
  expect(await refuse()).toMatchObject({
    extensions: { code: 'NOT_ENOUGH_CREDIT' },
    message: expect.stringContaining(`Deposit at least ${MAXIMUM} wei`),
  })

  // Credit with a pending withdrawal, unredeemed fees or another reservation is not free.
  await insert(api.db, Credit, { id: me, balance: 4n * MAXIMUM, withdrawing: MAXIMUM })
  await insert(api.db, SignedVoucher, {
    id: `2-${me}`,
    endpointId: '2',
    consumer: me,
    cumulative: 9n * MAXIMUM,
    used: 3n * MAXIMUM,
  })
  await insert(api.db, Voucher, { id: `2-${me}`, endpointId: '2', consumer: me, cumulative: 2n * MAXIMUM })
  await insert(api.db, CreditHold, { id: 'other', consumer: me, endpointId: '2', maximum: MAXIMUM, open: true })
  expect((await api.ask(REQUEST_ANSWER, { input: callInput(), key: 'fits' })).errors).toBeUndefined()
  expect(await refuse()).toMatchObject({ message: expect.stringContaining(`has 0 free`) })
  await api.db.query(`update credit_hold set open = false where id = 'other'`)
  expect((await api.ask(REQUEST_ANSWER, { input: callInput(), key: 'released' })).errors).toBeUndefined()

  await api.db.query('update signed_voucher set deadline = 5')
  expect((await refuse())?.extensions.code).toBe('VOUCHER_EXPIRED')
  expect(await jobCount(api)).toBe(2)
})
