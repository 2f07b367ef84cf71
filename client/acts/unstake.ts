import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import type { StakeOnModel } from './stake.ts'

/**
 * Takes stake back from a model.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, stake, unstake, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await wrap(client, 7n)
 * await stake(client, { modelId: 1n, amount: 7n })
 * const staked = await client.read('ModelRegistry', 'stakeOf', [1n, account.address])
 * await unstake(client, { modelId: 1n, amount: 7n })
 * assert.equal(await client.read('ModelRegistry', 'stakeOf', [1n, account.address]), staked - 7n)
 * ```
 */
export const unstake = (client: Client, { modelId, amount }: StakeOnModel): Promise<void> =>
  Act.run(client, 'unstake', { modelId, amount }, async (act) => {
    await act.send({ contract: 'ModelRegistry', functionName: 'unstake', args: [modelId, amount] })
  })
