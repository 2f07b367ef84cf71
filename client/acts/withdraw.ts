import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import { channelWith } from '../reads/channel.ts'

/**
 * Takes the credit that was asked for. @returns the amount in wei.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, withdraw } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await assert.rejects(withdraw(client, 99n), /There is no endpoint 99/) // else the amount in wei
 * ```
 */
export const withdraw = (client: Client, endpointId: bigint): Promise<bigint> =>
  Act.run(client, 'withdraw', { endpointId }, async (act) => {
    const { config } = await channelWith(client, endpointId)
    const mined = await act.send({ contract: 'InferenceMarket', functionName: 'withdraw', args: [config] })
    return eventOf(mined, 'InferenceMarket', 'CreditWithdrawn').args.amount
  })
