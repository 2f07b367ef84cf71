import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import { type ChannelAmount, channelWith } from '../reads/channel.ts'

/**
 * Asks for credit back. The host may redeem what it has served until then. @returns when `withdraw` pays it.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, requestWithdrawal } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const asked = requestWithdrawal(client, { endpointId: 99n, amount: 10n ** 18n })
 * await assert.rejects(asked, /There is no endpoint 99/) // else when withdraw pays it: a Date
 * ```
 */
export const requestWithdrawal = (client: Client, { endpointId, amount }: ChannelAmount): Promise<Date> =>
  Act.run(client, 'requestWithdrawal', { endpointId, amount }, async (act) => {
    const { config } = await channelWith(client, endpointId)
    const mined = await act.send({
      contract: 'InferenceMarket',
      functionName: 'requestWithdrawal',
      args: [config, amount],
    })
    return new Date(Number(eventOf(mined, 'InferenceMarket', 'WithdrawalRequested').args.availableAt) * 1000)
  })
