import { type Hex, zeroHash } from 'viem'
import { type ChannelPlace, channelConfig, channelId, type MarketPlace } from '#rules/channel.ts'
import { accountOf } from '../account.ts'
import type { Client } from '../client.ts'
import { hostOf } from './answeredHere.ts'

export interface Channel {
  id: Hex
  /** As the contract takes it. */
  config: ReturnType<typeof channelConfig>
  /** Credit left on chain, and all that the host has redeemed so far. In wei. */
  balance: bigint
  redeemed: bigint
}

/** An amount of the account's channel with an endpoint. */
export interface ChannelAmount {
  endpointId: bigint
  /** In wei of gOPEN. */
  amount: bigint
}

const marketPlace = ({ deployment }: Client): MarketPlace => ({
  chainId: deployment.chainId,
  market: deployment.addresses.InferenceMarket,
  token: deployment.addresses.GOpen,
  withdrawalDelay: Number(deployment.settings.withdrawalDelay),
})

/**
 * The account's payment channel with an endpoint, whose vouchers the account signs itself.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { channelWith, connect } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(channelWith(client, 99n), /There is no endpoint 99/) // else { balance, redeemed, … }
 * ```
 */
export async function channelWith(client: Client, endpointId: bigint): Promise<Channel> {
  const host = await hostOf(client, endpointId)
  const consumer = accountOf(client)
  const place: ChannelPlace = { endpointId, host, consumer, key: consumer, salt: zeroHash }
  const market = marketPlace(client)
  const id = channelId(market, place)
  const [balance, redeemed] = await client.read('InferenceMarket', 'channels', [id])
  return { id, config: channelConfig(market, place), balance, redeemed }
}
