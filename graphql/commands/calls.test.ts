import { expect, test } from 'vitest'
import { releaseHold } from '#schema/enqueue.ts'
import { CreditHold } from '#schema/offchain/attribution.ts'
import { insert } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { type TestApi, testApi } from '../test/api.ts'
import {
  callInput,
  codeOf,
  createMarket,
  idOfChannel,
  jobCount,
  MAXIMUM,
  me,
  OTHER_HOST,
  openChannel,
  REQUEST_ANSWER,
  stranger,
  submit,
  waitingCalls,
} from '../test/market.ts'
import { MAX_LIVE_CALLS } from './liveCalls.ts'

let keys = 0
const call = (api: TestApi, more: object = {}, key = `call ${++keys}`) =>
  api.ask(REQUEST_ANSWER, { input: callInput(more), key })
const refusal = async (api: TestApi, more: object = {}) => {
  const { message, extensions } = must(must((await call(api, more)).errors)[0])
  return `${extensions.code}: ${message}`
}
const holds = async ({ db }: TestApi) =>
  (await db.query('select id, channel_id as channel, open, fee from credit_hold order by created_at, id')).rows
const cancel = ({ ask }: TestApi, id: string) =>
  ask('mutation ($id: ID!) { cancelJob(id: $id, idempotencyKey: "c") { id } }', { id })
/** Ends a call as a worker does at its last attempt. */
const fail = async ({ db }: TestApi, id: string) => {
  await db.query(`update job_run set status = 'Failed', finished_at = now() where id = $1`, [id])
  await releaseHold(db, id)
}
const retry = ({ ask }: TestApi, id: string) =>
  ask('mutation ($id: ID!) { retryJob(id: $id, idempotencyKey: "r") { status } }', { id })

test('a call reserves its maximum cost within voucher and credit, once', async () => {
  const api = await testApi()
  await createMarket(api)
  const channel = await openChannel(api, MAXIMUM * 3n)
  await submit(api, { ceiling: MAXIMUM * 2n })
  const first = await call(api, {}, 'a')
  expect(first.errors).toBeUndefined()
  expect((await call(api, {}, 'a')).data).toEqual(first.data)
  const { rows } = await api.db.query(
    'select id, consumer, endpoint_id, channel_id, maximum, price_in, price_out, open from credit_hold',
  )
  const price = { price_in: 1000n, price_out: 2000n }
  const of = { consumer: me, endpoint_id: '1', channel_id: channel }
  expect(rows).toEqual([{ id: first.data.infer.id, ...of, maximum: MAXIMUM, ...price, open: true }])
  // There is room for two calls; of four at the same time, the other three are refused and write nothing.
  const rush = await Promise.all([1, 2, 3, 4].map(() => call(api)))
  expect(rush.map(({ errors }) => errors?.[0]?.extensions.code ?? 'ok').sort()).toEqual([
    'VOUCHER_TOO_SMALL',
    'VOUCHER_TOO_SMALL',
    'VOUCHER_TOO_SMALL',
    'ok',
  ])
  expect(await jobCount(api)).toBe(2)
  expect(await holds(api)).toHaveLength(2)
})

test('one wei below the ceiling, or of credit, is too little; what is missing is told, and suffices', async () => {
  const api = await testApi()
  await createMarket(api)
  const channel = await openChannel(api, 2n * MAXIMUM - 1n)
  await submit(api, { ceiling: MAXIMUM - 1n })
  expect(await refusal(api)).toMatch(
    `VOUCHER_TOO_SMALL: This call may cost ${MAXIMUM} wei; the voucher of channel ${channel} grants ${MAXIMUM - 1n}, of which 0 are used or reserved. Sign one with a ceiling of at least ${MAXIMUM}`,
  )
  await submit(api, { ceiling: MAXIMUM })
  expect((await call(api)).errors).toBeUndefined()
  expect(await refusal(api)).toMatch(`a ceiling of at least ${2n * MAXIMUM}`)
  await submit(api, { ceiling: 9n * MAXIMUM })
  expect(await refusal(api)).toMatch(
    `NOT_ENOUGH_CREDIT: This call may cost ${MAXIMUM} wei; channel ${channel} has ${MAXIMUM - 1n} free (credit ${2n * MAXIMUM - 1n}, 0 being withdrawn, ${MAXIMUM} reserved, 0 owed). Deposit at least 1 wei more into it, or request at most 9 output tokens`,
  )
  await api.db.query('update payment_channel set balance = balance + 1')
  expect((await call(api)).errors).toBeUndefined()
})

test('what is being withdrawn, owed or reserved is not free; what is redeemed is neither owed nor granted again', async () => {
  const api = await testApi()
  await createMarket(api)
  const channel = await openChannel(api, 5n * MAXIMUM, { withdrawing: MAXIMUM, redeemed: 2n * MAXIMUM })
  await submit(api, { ceiling: 9n * MAXIMUM })
  await api.db.query('update signed_voucher set used = $1', [4n * MAXIMUM])
  await insert(api.db, CreditHold, {
    id: 'other',
    consumer: me,
    endpointId: '1',
    channelId: channel,
    maximum: MAXIMUM,
    open: true,
  })
  expect((await call(api)).errors).toBeUndefined() // 5 − 1 withdrawn − 2 owed − 1 reserved
  expect(await refusal(api)).toMatch(
    `has 0 free (credit ${5n * MAXIMUM}, ${MAXIMUM} being withdrawn, ${2n * MAXIMUM} reserved, ${2n * MAXIMUM} owed)`,
  )
  await api.db.query(`update credit_hold set open = false where id = 'other'`)
  expect((await call(api)).errors).toBeUndefined()
  // A redemption moves what was owed: nothing becomes free, and nothing is lost.
  await api.db.query('update payment_channel set balance = balance - $1, redeemed = redeemed + $1', [2n * MAXIMUM])
  expect(await refusal(api)).toMatch(
    `has 0 free (credit ${3n * MAXIMUM}, ${MAXIMUM} being withdrawn, ${2n * MAXIMUM} reserved, 0 owed)`,
  )
  // A withdrawal of everything between reservation and redemption: no further call, however great the ceiling.
  await api.db.query('update payment_channel set withdrawing = balance')
  await submit(api, { ceiling: 99n * MAXIMUM })
  expect(await refusal(api)).toMatch(`has -${2n * MAXIMUM} free`)
  // In a database that lost the last fees, what the chain has paid is not granted again.
  await api.db.query('update payment_channel set withdrawing = 0, balance = $1, redeemed = $2', [
    50n * MAXIMUM,
    98n * MAXIMUM,
  ])
  expect(await refusal(api)).toMatch(`of which ${100n * MAXIMUM} are used or reserved`)
})

test('each channel keeps its own promise: what is reserved in one is not taken from another', async () => {
  const api = await testApi()
  await createMarket(api)
  const channels = [await openChannel(api, MAXIMUM, { salt: 1 }), await openChannel(api, MAXIMUM, { salt: 2 })]
  for (const channel of channels) await submit(api, { channel, ceiling: 10n * MAXIMUM })
  const rush = await Promise.all([1, 2, 3, 4, 5].map(() => call(api)))
  expect(rush.filter(({ errors }) => !errors)).toHaveLength(2)
  expect((await holds(api)).map(({ channel }) => channel).sort()).toEqual(channels.toSorted())
  // None of five calls that name one channel may use the other.
  await api.db.query('update credit_hold set open = false')
  const [first] = channels
  await Promise.all([1, 2, 3, 4, 5].map(() => call(api, { channelId: first })))
  expect((await holds(api)).filter(({ open }) => open)).toMatchObject([{ channel: first }])
})

test('without a named channel, the newest voucher with room pays; when none has room, the error is about the newest', async () => {
  const api = await testApi()
  await createMarket(api)
  const [old, newer] = [await openChannel(api, MAXIMUM, { salt: 1 }), await openChannel(api, MAXIMUM, { salt: 2 })]
  await openChannel(api, 99n * MAXIMUM, { salt: 3 }) // without a voucher
  const elsewhere = await openChannel(api, 99n * MAXIMUM, { endpoint: 4n })
  const theirs = await openChannel(api, 99n * MAXIMUM, { payer: stranger })
  await submit(api, { channel: newer, ceiling: MAXIMUM })
  await submit(api, { channel: old, ceiling: MAXIMUM })
  await submit(api, { channel: elsewhere, ceiling: 99n * MAXIMUM })
  await submit(api, { channel: theirs, ceiling: 99n * MAXIMUM, signer: stranger })
  await submit(api, { channel: newer, ceiling: 2n * MAXIMUM })
  const paying = async () => {
    const { data } = await call(api)
    return (await holds(api)).find(({ id }) => id === data?.infer.id)?.channel
  }
  expect(await paying()).toBe(newer)
  expect(await paying()).toBe(old)
  expect(await refusal(api)).toMatch(
    `NOT_ENOUGH_CREDIT: This call may cost ${MAXIMUM} wei; channel ${newer} has 0 free`,
  )
})

test('a named channel must be the caller’s, with this endpoint, and have a voucher; no other pays in its place', async () => {
  const api = await testApi()
  await createMarket(api)
  expect(await refusal(api)).toMatch(
    `NO_CHANNEL: ${me} has no payment channel with endpoint 1. Deposit at least ${MAXIMUM}`,
  )
  const mine = await openChannel(api, 99n * MAXIMUM)
  expect(await refusal(api)).toMatch(`NO_VOUCHER: Channel ${mine} of ${me} with endpoint 1 has no voucher`)
  await submit(api, { ceiling: 99n * MAXIMUM })
  const theirs = await openChannel(api, 99n * MAXIMUM, { payer: stranger })
  await submit(api, { channel: theirs, ceiling: 99n * MAXIMUM, signer: stranger })
  const elsewhere = await openChannel(api, 99n * MAXIMUM, { endpoint: 4n })
  await submit(api, { channel: elsewhere, ceiling: 99n * MAXIMUM })
  const bare = await openChannel(api, 99n * MAXIMUM, { salt: 5 })
  expect(await refusal(api, { channelId: theirs })).toMatch(`OTHER_CHANNEL: Channel ${theirs} is the one of`)
  expect(await refusal(api, { channelId: elsewhere })).toMatch(
    /^OTHER_CHANNEL: .* with endpoint 4; this call is for .* at endpoint 1/,
  )
  expect(await refusal(api, { channelId: bare })).toMatch(`NO_VOUCHER: Channel ${bare}`)
  expect(await refusal(api, { channelId: idOfChannel({ salt: 9 }) })).toMatch('UNKNOWN_CHANNEL')
  for (const channelId of ['', '1', `${mine}0`]) expect(await refusal(api, { channelId })).toMatch('BAD_INPUT')
  expect(await jobCount(api)).toBe(0)
  expect((await call(api, { channelId: `0x${mine.slice(2).toUpperCase()}` })).errors).toBeUndefined()
  expect(await holds(api)).toMatchObject([{ channel: mine }])
})

test('a free call needs no channel; a named one is checked all the same', async () => {
  const api = await testApi()
  await createMarket(api)
  expect((await call(api, { endpointId: '4' })).errors).toBeUndefined()
  expect(await holds(api)).toMatchObject([{ channel: null, open: true }])
  expect(await refusal(api, { endpointId: '4', channelId: idOfChannel() })).toMatch('UNKNOWN_CHANNEL')
  const theirs = await openChannel(api, MAXIMUM, { endpoint: 4n, payer: stranger })
  expect(await refusal(api, { endpointId: '4', channelId: theirs })).toMatch('OTHER_CHANNEL')
})

test('a stranger’s endpoint is not answered, not even for nothing, and not by a retry', async () => {
  const api = await testApi()
  await createMarket(api)
  for (const endpointId of ['5', '6'])
    expect(await refusal(api, { endpointId })).toMatch(
      `NOT_HOSTED_HERE: Endpoint ${endpointId} belongs to the host ${OTHER_HOST}, whom this API does not serve. Send the request to the endpoint’s own URL`,
    )
  expect(await jobCount(api)).toBe(0)
  const { id } = (await call(api, { endpointId: '4' })).data.infer
  await fail(api, id)
  await api.db.query('update endpoint set host = $1', [OTHER_HOST])
  expect(await codeOf(retry(api, id))).toBe('NOT_HOSTED_HERE')
})

test('a call that is tried again reserves its credit again, or is refused; a key whose job was deleted is not charged twice', async () => {
  const api = await testApi()
  await createMarket(api)
  const channel = await openChannel(api, MAXIMUM)
  await submit(api, { ceiling: MAXIMUM })
  const { id } = (await call(api, {}, 'a')).data.infer
  await fail(api, id)
  expect(await holds(api)).toEqual([{ id, channel, open: false, fee: 0n }])
  expect((await retry(api, id)).data.retryJob).toEqual({ status: 'Queued' })
  expect(await holds(api)).toEqual([{ id, channel, open: true, fee: null }])

  await fail(api, id)
  await call(api, {}, 'b')
  expect(await codeOf(retry(api, id))).toBe('VOUCHER_TOO_SMALL')
  expect((await api.db.query('select status from job_run where id = $1', [id])).rows).toEqual([{ status: 'Failed' }])
  // The channel that has room now pays, unless the call names another.
  const second = await openChannel(api, MAXIMUM, { salt: 2 })
  await submit(api, { channel: second, ceiling: MAXIMUM })
  expect((await retry(api, id)).data.retryJob).toEqual({ status: 'Queued' })
  expect((await holds(api)).find((one) => one.id === id)).toMatchObject({ channel: second, open: true })

  await fail(api, id)
  await api.db.query(`delete from credit_hold where id <> $1`, [id])
  await api.db.query('delete from job_run')
  expect(await codeOf(call(api, {}, 'a'))).toBe('IDEMPOTENCY_KEY_REUSED')
  expect(await holds(api)).toEqual([{ id, channel: second, open: false, fee: 0n }])
})

test('a consumer has at most 256 calls under way, also of those that ask at the same time; a repeated request gives its job', async () => {
  const api = await testApi()
  await createMarket(api)
  const free = { endpointId: '4' }
  const { id } = (await call(api, free, 'first')).data.infer
  await waitingCalls(api.db, me, MAX_LIVE_CALLS - 5)
  const rush = await Promise.all(Array.from({ length: 12 }, (_, place) => call(api, free, `rush ${place}`)))
  const codes = rush.map(({ errors }) => errors?.[0]?.extensions.code ?? 'ok')
  expect(codes.filter((code) => code === 'ok')).toHaveLength(4)
  expect(codes.filter((code) => code === 'TOO_MANY_CALLS')).toHaveLength(8)
  expect(await jobCount(api)).toBe(MAX_LIVE_CALLS)
  expect(await holds(api)).toHaveLength(5)
  expect((await call(api, free, 'first')).data.infer.id).toBe(id)
  expect(await refusal(api, free)).toBe(
    'TOO_MANY_CALLS: 256 calls of this consumer wait or run; at most 256 may. Wait until one has ended.',
  )
  expect((await call(api, { ...free, consumer: stranger.address })).errors).toBeUndefined()
  await cancel(api, id)
  expect((await call(api, free)).errors).toBeUndefined()
  expect(await refusal(api, free)).toMatch('TOO_MANY_CALLS')
})

test('a call that names its channel is tried again within that channel only', async () => {
  const api = await testApi()
  await createMarket(api)
  const named = await openChannel(api, MAXIMUM)
  const other = await openChannel(api, MAXIMUM, { salt: 1 })
  for (const channel of [named, other]) await submit(api, { channel, ceiling: MAXIMUM })
  const { id } = (await call(api, { channelId: named })).data.infer
  await fail(api, id)
  await api.db.query('update payment_channel set withdrawing = balance where id = $1', [named])
  expect(await codeOf(retry(api, id))).toBe('NOT_ENOUGH_CREDIT')
})

test('a call is refused without a serving endpoint or with values out of bounds', async () => {
  const api = await testApi()
  await createMarket(api)
  expect(await refusal(api, { endpointId: '9' })).toMatch('UNKNOWN_ENDPOINT')
  expect(await refusal(api, { endpointId: '2' })).toMatch(/^VERSION_ROLLED_BACK: .*worse/)
  expect(await refusal(api, { endpointId: '3' })).toMatch('VERSION_NOT_PROMOTED')
  expect(await refusal(api, { consumer: `0x${'g'.repeat(40)}` })).toMatch('BAD_INPUT')
  expect(await refusal(api, { maxTokens: 100_000 })).toMatch('BAD_INPUT')
  expect(await jobCount(api)).toBe(0)
})

test('prices and balances at the limits of the contracts overflow nothing', async () => {
  const api = await testApi()
  await createMarket(api)
  const most = 2n ** 128n - 1n
  const channel = await openChannel(api, most)
  await submit(api, { ceiling: most })
  await api.db.query('update endpoint set price_in = $1, price_out = $1', [most])
  expect(await refusal(api, { maxTokens: 4096 })).toMatch(
    /^VOUCHER_TOO_SMALL: .* more than any voucher of channel 0x[0-9a-f]+ can grant\. Request fewer tokens, or deposit into another channel/,
  )
  await api.db.query('update endpoint set price_in = 1000, price_out = 2000')
  await api.db.query('update signed_voucher set used = $1', [most - MAXIMUM])
  expect((await call(api)).errors).toBeUndefined()
  expect(await refusal(api)).toMatch('more than any voucher')
  expect(await holds(api)).toMatchObject([{ channel }])
})
