import { hashTypedData } from 'viem'
import { expect, test } from 'vitest'
import { authorizerOf, channelId, voucherData } from './channel.ts'
import { typedHash } from './test/typedHash.ts'

const account = (n: number) => `0x${String(n).padStart(40, '0')}` as const
const PLACE = { chainId: 31_337, market: account(77), token: account(33), withdrawalDelay: 86_400 }
const CHANNEL = {
  endpointId: 1n,
  host: account(55),
  consumer: account(1),
  key: account(2),
  salt: `0x${'00'.repeat(32)}`,
} as const

test('each field of a channel changes its id', () => {
  const ids = [
    channelId(PLACE, CHANNEL),
    channelId({ ...PLACE, chainId: 1 }, CHANNEL),
    channelId({ ...PLACE, market: account(78) }, CHANNEL),
    channelId({ ...PLACE, token: account(34) }, CHANNEL),
    channelId({ ...PLACE, withdrawalDelay: 86_401 }, CHANNEL),
    channelId(PLACE, { ...CHANNEL, endpointId: 2n }),
    channelId(PLACE, { ...CHANNEL, host: account(56) }),
    channelId(PLACE, { ...CHANNEL, consumer: account(3) }),
    channelId(PLACE, { ...CHANNEL, key: account(3) }),
    channelId(PLACE, { ...CHANNEL, salt: `0x${'00'.repeat(31)}01` }),
  ]
  expect(new Set(ids).size).toBe(ids.length)
})

/** The domain of x402's `batch-settlement` scheme. */
const X402 = { name: 'x402 Batch Settlement', contract: '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003' } as const

test('a channel has the id that x402 gives it', () => {
  const type =
    'ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)'
  expect(channelId(PLACE, CHANNEL)).toBe(
    typedHash(X402, type, [
      ['address', CHANNEL.consumer],
      ['address', CHANNEL.key],
      ['address', CHANNEL.host],
      ['address', authorizerOf(PLACE.market, CHANNEL.endpointId)],
      ['address', PLACE.token],
      ['uint40', PLACE.withdrawalDelay],
      ['bytes32', CHANNEL.salt],
    ]),
  )
})

test('a voucher is signed as x402 and the market hash it', () => {
  const id = channelId(PLACE, CHANNEL)
  expect(hashTypedData(voucherData(PLACE.chainId, { channelId: id, ceiling: 6n }))).toBe(
    typedHash(X402, 'Voucher(bytes32 channelId,uint128 maxClaimableAmount)', [
      ['bytes32', id],
      ['uint128', 6n],
    ]),
  )
})
