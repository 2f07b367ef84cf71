import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { type ChannelAmount, channelWith } from '../reads/channel.ts'
import { allowTransfer } from './allowTransfer.ts'

/**
 * Adds credit to the account's channel with an endpoint.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, deposit } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(deposit(client, { endpointId: 99n, amount: 10n ** 18n }), /There is no endpoint 99/)
 * ```
 */
export const deposit = (client: Client, { endpointId, amount }: ChannelAmount): Promise<void> =>
  Act.run(client, 'deposit', { endpointId, amount }, async (act) => {
    const { config } = await channelWith(client, endpointId)
    const args = [endpointId, config, amount] as const
    const call = { contract: 'InferenceMarket', functionName: 'deposit', args } as const
    await allowTransfer(act, 'InferenceMarket', amount, call)
    await act.send(call)
  })
