import { inGOpen } from '../amounts.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { type ChannelAmount, channelWith } from '../reads/channel.ts'
import { chargedOf } from '../reads/charged.ts'
import { grant } from './grant.ts'

/**
 * Signs that calls of an endpoint which are not signed one by one may use so much more than what is used and reserved now; where they may already, nothing is signed.
 * @throws ClientError when the credit is too little, with what to deposit.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, grantMore } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(grantMore(client, { endpointId: 99n, amount: 10n ** 16n }), /There is no endpoint 99/)
 * ```
 */
export async function grantMore(client: Client, { endpointId, amount }: ChannelAmount): Promise<void> {
  const channel = await channelWith(client, endpointId)
  const { charged, ceiling: granted } = await chargedOf(client, channel)
  const ceiling = charged + amount
  if (granted >= ceiling) return
  const missing = ceiling - channel.redeemed - channel.balance
  if (missing > 0n)
    throw new ClientError(
      `The credit with the endpoint lacks ${inGOpen(missing)} for that. Deposit that much (credit deposit), or grant less.`,
    )
  await grant(client, { channelId: channel.id, ceiling })
}
