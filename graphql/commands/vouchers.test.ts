import { type Hex, hexToBigInt, numberToHex, serializeSignature } from 'viem'
import { expect, test } from 'vitest'
import { account } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { type TestApi, testApi } from '../test/api.ts'
import {
  codeOf,
  consumer,
  createMarket,
  idOfChannel,
  me,
  OTHER_HOST,
  openChannel,
  SUBMIT,
  signedVoucher,
  stranger,
  submit,
} from '../test/market.ts'

/** The order of the curve secp256k1. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const MAX_UINT128 = 2n ** 128n - 1n

const vouchers = async ({ db }: TestApi) =>
  (await db.query('select id, ceiling, used, signature from signed_voucher order by id')).rows
const refusal = async (answer: ReturnType<TestApi['ask']>) => {
  const { message, extensions } = must(must((await answer).errors)[0])
  return `${extensions.code}: ${message}`
}

test('a voucher is accepted when the key of its channel signed it for this chain, and its ceiling only grows', async () => {
  const api = await testApi()
  await createMarket(api)
  const id = await openChannel(api, 1000n)
  const good = await submit(api)
  expect(good.errors).toBeUndefined()
  expect(good.data.submitVoucher).toEqual({ id, consumer: me, ceiling: '100', used: '0', endpoint: { id: '1' } })
  expect((await submit(api)).data).toEqual(good.data)
  expect((await submit(api, { ceiling: 250n })).data.submitVoucher.ceiling).toBe('250')
  expect(await refusal(submit(api))).toMatch(/^VOUCHER_SUPERSEDED: 250 wei .* already granted; this voucher grants 100/)
  expect(await codeOf(submit(api, { ceiling: 249n }))).toBe('VOUCHER_SUPERSEDED')
  expect(await vouchers(api)).toEqual([
    { id, ceiling: 250n, used: 0n, signature: await signedVoucher({ ceiling: 250n }) },
  ])
})

test('the channel may name another key: then its vouchers are those of that key, not of the consumer', async () => {
  const api = await testApi()
  await createMarket(api)
  const channel = await openChannel(api, 1000n, { key: stranger })
  expect(await refusal(submit(api, { channel }))).toMatch(
    `WRONG_SIGNER: The signature is not that of ${stranger.address.toLowerCase()}, the key of channel ${channel}`,
  )
  expect((await submit(api, { channel, signer: stranger })).data.submitVoucher).toMatchObject({
    id: channel,
    consumer: me,
  })
})

test('hex digits of either case name the same channel', async () => {
  const api = await testApi()
  await createMarket(api)
  const id = await openChannel(api, 1000n)
  const signature = await signedVoucher()
  const upper = (hex: string) => `0x${hex.slice(2).toUpperCase()}` as Hex
  const { data } = await submit(api, { channel: upper(id), signature: upper(signature) })
  expect(data.submitVoucher.id).toBe(id)
  expect(await vouchers(api)).toEqual([{ id, ceiling: 100n, used: 0n, signature }])
})

test('a voucher that is forged, or signed for another channel, market or chain, is refused with its reason', async () => {
  const api = await testApi()
  await createMarket(api)
  await openChannel(api, 1000n)
  const second = await openChannel(api, 1000n, { salt: 1 })
  expect(await codeOf(submit(api, { signer: stranger }))).toBe('WRONG_SIGNER')
  expect(await refusal(submit(api, { chainId: 1 }))).toBe(
    'WRONG_CHAIN: The voucher was signed for chain 1; this is chain 31337. Sign it for chain 31337.',
  )
  expect(await refusal(submit(api, { chainId: 987654 }))).toMatch(
    /^WRONG_SIGNER: .*Sign exactly {channelId, maxClaimableAmount: 100} with the domain x402 Batch Settlement, version 1, chain 31337, contract 0x/,
  )
  for (const channel of [second, idOfChannel({ market: account(0xbb) }), idOfChannel({ endpoint: 2n })])
    expect(await codeOf(submit(api, { signature: await signedVoucher({ channel }) }))).toBe('WRONG_SIGNER')
  expect(await codeOf(submit(api, { signature: await signedVoucher({ ceiling: 99n }) }))).toBe('WRONG_SIGNER')
  expect(await vouchers(api)).toEqual([])
})

test('a signature that the contract could not check is refused, although it is the key’s', async () => {
  const api = await testApi()
  await createMarket(api)
  await openChannel(api, 1000n)
  const good = await signedVoucher()
  const [r, s, v] = [good.slice(0, 66) as Hex, `0x${good.slice(66, 130)}` as Hex, Number.parseInt(good.slice(130), 16)]
  const last = (byte: number) => `${good.slice(0, 130)}${numberToHex(byte, { size: 1 }).slice(2)}`
  const sign = (signature: string) => refusal(submit(api, { signature }))
  expect(await sign(last(v - 27))).toBe(
    `BAD_SIGNATURE: The signature ends with ${v - 27} (v); the contract takes 27 or 28. Replace the last byte by ${v}.`,
  )
  for (const byte of [2, 26, 29, 255])
    expect(await sign(last(byte))).toMatch(`BAD_SIGNATURE: The signature ends with ${byte}`)
  const high = serializeSignature({ r, s: numberToHex(ORDER - hexToBigInt(s), { size: 32 }), yParity: 28 - v })
  expect(await sign(high)).toMatch('BAD_SIGNATURE: The signature has an s in the upper half')
  expect(await sign(good.slice(0, 130))).toMatch('BAD_SIGNATURE: The signature is a compact one of 64 bytes')
  for (const bad of ['', '0x', '0x1234', `${good}00`, good.slice(2), good.replace(/.$/, 'g')])
    expect(await sign(bad)).toMatch('BAD_SIGNATURE: The signature must be 65 bytes as hex')
  for (const nobody of [`0x${'00'.repeat(64)}1b`, `0x${'ff'.repeat(32)}${'00'.repeat(31)}011b`])
    expect(await sign(nobody)).toMatch('WRONG_SIGNER')
  expect(await codeOf(submit(api, { signature: last(55 - v) }))).toBe('WRONG_SIGNER')
  expect(await vouchers(api)).toEqual([])
  expect((await submit(api, { signature: good })).errors).toBeUndefined()
})

test('a channel that is not in the index is to be deposited into or waited for; malformed ones are refused', async () => {
  const api = await testApi()
  await createMarket(api)
  expect(await refusal(submit(api))).toMatch(
    /^UNKNOWN_CHANNEL: .*Deposit into it first \(InferenceMarket\.deposit\); a deposit that was just made may take a few seconds/,
  )
  await openChannel(api, 1000n)
  await api.db.query('update payment_channel set to_block = 5') // its deposit was in a block that was retracted
  expect(await codeOf(submit(api))).toBe('UNKNOWN_CHANNEL')
  const signature = await signedVoucher()
  for (const channelId of ['', '1', `0x${'1'.repeat(63)}`, `0x${'g'.repeat(64)}`, `${idOfChannel()}'`])
    expect(await codeOf(api.ask(SUBMIT, { channelId, ceiling: '100', signature }))).toBe('BAD_INPUT')
})

test('a ceiling that the contract cannot take, or that is redeemed already, is refused', async () => {
  const api = await testApi()
  await createMarket(api)
  await openChannel(api, 1000n, { redeemed: 500n })
  const signature = await signedVoucher()
  for (const ceiling of [0n, -1n, MAX_UINT128 + 1n, 2n ** 256n])
    expect(await refusal(submit(api, { ceiling, signature }))).toBe(
      'BAD_INPUT: ceiling must be a positive number of wei below 2^128.',
    )
  expect(await refusal(submit(api, { ceiling: 500n }))).toMatch(
    /^VOUCHER_SUPERSEDED: 500 wei .* already redeemed; this voucher grants 500/,
  )
  expect((await submit(api, { ceiling: 501n })).data.submitVoucher).toMatchObject({ ceiling: '501', used: '500' })
  expect((await submit(api, { ceiling: MAX_UINT128 })).data.submitVoucher.ceiling).toBe(String(MAX_UINT128))
})

test('a voucher for an endpoint of another host is refused: this API could neither answer nor redeem it', async () => {
  const api = await testApi()
  await createMarket(api)
  const channel = await openChannel(api, 1000n, { endpoint: 5n, host: OTHER_HOST })
  expect(await refusal(submit(api, { channel }))).toMatch(
    `NOT_HOSTED_HERE: Endpoint 5 belongs to the host ${OTHER_HOST}, whom this API does not serve.`,
  )
  const nobody = await testApi({ deployment: { chainId: 31337, addresses: {} } })
  await createMarket(nobody)
  await openChannel(nobody, 1000n)
  expect(await codeOf(submit(nobody))).toBe('NOT_HOSTED_HERE')
})

test('vouchers that arrive together leave the greatest', async () => {
  const api = await testApi()
  await createMarket(api)
  await openChannel(api, 1000n, { payer: consumer })
  await Promise.all([3n, 1n, 5n, 2n, 4n].map((ceiling) => submit(api, { ceiling })))
  expect(await vouchers(api)).toMatchObject([{ ceiling: 5n }])
})
