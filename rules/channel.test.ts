import { expect, test } from 'vitest'
import { channelId } from './channel.ts'

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
