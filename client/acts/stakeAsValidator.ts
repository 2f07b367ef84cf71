import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { allowTransfer } from './allowTransfer.ts'

/**
 * Stakes gOPEN, in wei, to judge: seats at the rounds that open afterwards are drawn by stake.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, stakeAsValidator, unstakeAsValidator, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await wrap(client, 10n * 10n ** 18n)
 * await stakeAsValidator(client, 10n * 10n ** 18n)
 * assert.equal(await client.read('FeedbackPool', 'stakeOf', [account.address]), 10n * 10n ** 18n)
 * await unstakeAsValidator(client, 10n * 10n ** 18n)
 * ```
 */
export const stakeAsValidator = (client: Client, amount: bigint): Promise<void> =>
  Act.run(client, 'stakeAsValidator', { amount }, async (act) => {
    const call = { contract: 'FeedbackPool', functionName: 'stake', args: [amount] } as const
    await allowTransfer(act, 'FeedbackPool', amount, call)
    await act.send(call)
  })
