import { expect, test } from 'vitest'
import { Voucher } from '#schema/onchain/market.ts'
import { account, blockTime, insert } from '#test/factory.ts'
import { testApi } from '../test/api.ts'
import { codeOf, createMarket, me, signedVoucher, stranger, submit, VOUCHER_DEADLINE } from '../test/market.ts'

test('a voucher is accepted when its consumer signed it for this chain and this market, and its sum only grows', async () => {
  const api = await testApi()
  await createMarket(api)
  const good = await submit(api)
  expect(good.errors).toBeUndefined()
  expect(good.data.submitVoucher).toEqual({
    id: `1-${me}`,
    consumer: me,
    cumulative: '100',
    used: '0',
    endpoint: { id: '1' },
  })
  expect((await submit(api)).data).toEqual(good.data)
  expect((await submit(api, { cumulative: 250n })).data.submitVoucher.cumulative).toBe('250')
  expect(await codeOf(submit(api))).toBe('VOUCHER_SUPERSEDED')
  expect(await codeOf(submit(api, { cumulative: 250n, deadline: VOUCHER_DEADLINE + 1n }))).toBe('VOUCHER_SUPERSEDED')
  const stored = await api.db.query('select cumulative, signature from signed_voucher')
  expect(stored.rows).toEqual([
    {
      cumulative: 250n,
      signature: await signedVoucher({ endpointId: 1n, cumulative: 250n, deadline: VOUCHER_DEADLINE }),
    },
  ])
})

test('a voucher that is forged, replayed elsewhere, expired or malformed is refused with its reason', async () => {
  const api = await testApi()
  await createMarket(api)
  expect(await codeOf(submit(api, { signer: stranger }))).toBe('WRONG_SIGNER')
  expect(await codeOf(submit(api, { chainId: 1 }))).toBe('WRONG_CHAIN')
  expect(await codeOf(submit(api, { chainId: 987654 }))).toBe('WRONG_SIGNER')
  expect(await codeOf(submit(api, { market: account(0xbb) }))).toBe('WRONG_SIGNER')
  const other = await signedVoucher({ endpointId: 2n, cumulative: 100n, deadline: VOUCHER_DEADLINE })
  expect(await codeOf(submit(api, { signature: other }))).toBe('WRONG_SIGNER')
  expect(await codeOf(submit(api, { signature: '0x1234' }))).toBe('BAD_SIGNATURE')
  expect(await codeOf(submit(api, { signature: `0x${'00'.repeat(65)}` }))).toBe('WRONG_SIGNER')
  expect(await codeOf(submit(api, { deadline: BigInt(blockTime(9).getTime() / 1000) }))).toBe('VOUCHER_EXPIRED')
  expect(await codeOf(submit(api, { endpoint: 99n }))).toBe('UNKNOWN_ENDPOINT')
  expect(await codeOf(submit(api, { cumulative: 0n, signature: other }))).toBe('BAD_INPUT')
  expect(await codeOf(submit(api, { deadline: 2n ** 64n, signature: other }))).toBe('BAD_INPUT')
  await insert(api.db, Voucher, { id: `1-${me}`, endpointId: '1', consumer: me, cumulative: 500n })
  expect(await codeOf(submit(api, { cumulative: 500n }))).toBe('VOUCHER_SUPERSEDED')
  expect((await api.db.query('select 1 from signed_voucher')).rowCount).toBe(0)
})
