import {
  BatchSettlementEvmScheme,
  computeChannelId,
  InMemoryClientChannelStorage,
} from '@x402/evm/batch-settlement/client'
import type { Hex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate, mandate, version } from '#contracts/test/mandate.ts'
import { channelOf, depositCredit, marketPlace } from '#contracts/test/vouchers.ts'
import { ALICE, CONSUMER, HOST, OPERATOR, STRANGER, startWorld, type World } from '#contracts/test/world.ts'
import { channelConfig, channelId } from '#rules/channel.ts'

/** The client of `@x402/evm`, as it is published, signs vouchers that the market pays. What an adapter adds: it deposits by the market's own
 *  function, and tells the client of the channel through the client's public storage. */

let world: World
beforeAll(async () => {
  world = await startWorld({ withdrawalDelay: 900 })
  const versionId = await version(world, await mandate(world), OPERATOR.address)
  await evaluate(world, versionId, OPERATOR.address)
  await world.send(STRANGER, 'ModelRegistry', 'promote', [versionId])
  await world.send(HOST, 'InferenceMarket', 'registerEndpoint', [versionId, 'https://one.example', 30n, 60n])
})
afterAll(() => world?.anvil.stop())

/** The server's half of a `402 Payment Required` for one call at the first endpoint. */
function requirements(amount: bigint) {
  const { token, withdrawalDelay } = marketPlace(world)
  const { receiver, receiverAuthorizer } = channelConfig(marketPlace(world), channelOf())
  return {
    scheme: 'batch-settlement',
    network: `eip155:${world.deployment.chainId}` as const,
    amount: String(amount),
    asset: token,
    payTo: receiver,
    maxTimeoutSeconds: 60,
    extra: { name: 'gOPEN', version: '1', receiverAuthorizer, withdrawDelay: withdrawalDelay },
  }
}

test.each([
  ['the consumer’s own key', CONSUMER],
  ['another key', ALICE],
])('the unmodified client signs vouchers that redeem pays: %s', async (_, key) => {
  const channel = channelOf({ key: key.address })
  const id = await depositCredit(world, channel, 1_000n)
  const storage = new InMemoryClientChannelStorage()
  const client = new BatchSettlementEvmScheme(CONSUMER, {
    storage,
    salt: channel.salt,
    ...(key === CONSUMER ? {} : { voucherSigner: key }),
  })
  let charged = 0n
  for (const amount of [100n, 250n]) {
    await storage.set(id, {
      balance: '1000',
      totalClaimed: String(charged),
      chargedCumulativeAmount: String(charged),
    })
    const { payload } = await client.createPaymentPayload(2, requirements(amount))
    const signed = payload as unknown as {
      type: string
      channelConfig: ReturnType<typeof channelConfig>
      voucher: { channelId: Hex; maxClaimableAmount: string; signature: Hex }
    }
    charged += amount
    expect(signed.type).toBe('voucher')
    expect(signed.voucher).toMatchObject({ channelId: id, maxClaimableAmount: String(charged) })
    const { events } = await world.send(HOST, 'InferenceMarket', 'redeem', [
      [
        {
          endpointId: 1n,
          channel: signed.channelConfig,
          ceiling: BigInt(signed.voucher.maxClaimableAmount),
          total: charged - 1n,
          signature: signed.voucher.signature,
        },
      ],
    ])
    expect(events[0]).toMatchObject({ name: 'Redeemed', args: { channelId: id, total: charged - 1n } })
  }
})

test('the client computes the channel ids of the rule and of the contract', async () => {
  const channel = channelOf({ key: ALICE.address })
  const config = channelConfig(marketPlace(world), channel)
  expect(computeChannelId(config, world.deployment.chainId)).toBe(channelId(marketPlace(world), channel))
  expect(await world.read('InferenceMarket', 'channelId', [config])).toBe(channelId(marketPlace(world), channel))
})
