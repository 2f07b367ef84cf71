import { Act } from '../act.ts'
import type { Client } from '../client.ts'

/**
 * Gives stake to judge back, in wei: not while commitments wait for their settlement, nor while a judgement of the account is disputed.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, stakeAsValidator, unstakeAsValidator, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const amount = 10n * 10n ** 18n
 * await wrap(client, amount)
 * await stakeAsValidator(client, amount)
 * const staked = await client.read('FeedbackPool', 'stakeOf', [account.address])
 * await unstakeAsValidator(client, amount)
 * assert.equal(await client.read('FeedbackPool', 'stakeOf', [account.address]), staked - amount)
 * ```
 */
export const unstakeAsValidator = (client: Client, amount: bigint): Promise<void> =>
  Act.run(client, 'unstakeAsValidator', { amount }, async (act) => {
    await act.send({ contract: 'FeedbackPool', functionName: 'unstake', args: [amount] })
  })
