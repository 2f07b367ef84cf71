import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { allowTransfer } from './allowTransfer.ts'

export interface StakeOnModel {
  modelId: bigint
  /** In wei of gOPEN. */
  amount: bigint
}

/**
 * Stakes gOPEN on a model: stakers share its revenue by stake and time.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, stake, unstake, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await wrap(client, 5n)
 * await stake(client, { modelId: 1n, amount: 5n })
 * assert.equal(await client.read('ModelRegistry', 'stakeOf', [1n, account.address]), 5n)
 * await unstake(client, { modelId: 1n, amount: 5n })
 * ```
 */
export const stake = (client: Client, { modelId, amount }: StakeOnModel): Promise<void> =>
  Act.run(client, 'stake', { modelId, amount }, async (act) => {
    const call = { contract: 'ModelRegistry', functionName: 'stake', args: [modelId, amount] } as const
    await allowTransfer(act, 'ModelRegistry', amount, call)
    await act.send(call)
  })
