import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import { channelWith } from './channel.ts'
import { allowTransfer } from './tokens.ts'

interface Credit {
  endpointId: bigint
  /** In wei of gOPEN. */
  amount: bigint
}

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
export const deposit = (client: Client, { endpointId, amount }: Credit): Promise<void> =>
  Act.run(client, 'deposit', { endpointId, amount }, async (act) => {
    const { config } = await channelWith(client, endpointId)
    const args = [endpointId, config, amount] as const
    const call = { contract: 'InferenceMarket', functionName: 'deposit', args } as const
    await allowTransfer(act, 'InferenceMarket', amount, call)
    await act.send(call)
  })

/** Asks for credit back. The host may redeem what it has served until then. @returns when `withdraw` pays it. */
export const requestWithdrawal = (client: Client, { endpointId, amount }: Credit): Promise<Date> =>
  Act.run(client, 'requestWithdrawal', { endpointId, amount }, async (act) => {
    const { config } = await channelWith(client, endpointId)
    const mined = await act.send({
      contract: 'InferenceMarket',
      functionName: 'requestWithdrawal',
      args: [config, amount],
    })
    return new Date(Number(eventOf(mined, 'InferenceMarket', 'WithdrawalRequested').args.availableAt) * 1000)
  })

/** Takes the credit that was asked for. @returns the amount in wei. */
export const withdraw = (client: Client, endpointId: bigint): Promise<bigint> =>
  Act.run(client, 'withdraw', { endpointId }, async (act) => {
    const { config } = await channelWith(client, endpointId)
    const mined = await act.send({ contract: 'InferenceMarket', functionName: 'withdraw', args: [config] })
    return eventOf(mined, 'InferenceMarket', 'CreditWithdrawn').args.amount
  })
