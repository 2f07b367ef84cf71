import { Act } from '../act.ts'
import type { Client } from '../client.ts'

/**
 * Turns native tokens into as much gOPEN. In wei.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { balanceOf, connect, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await wrap(client, 10n ** 18n)
 * assert.ok((await balanceOf(client, account.address)).gOpen >= 10n ** 18n)
 * ```
 */
export const wrap = (client: Client, amount: bigint): Promise<void> =>
  Act.run(client, 'wrap', { amount }, async (act) => {
    await act.send({ contract: 'GOpen', functionName: 'deposit', args: [], value: amount })
  })
