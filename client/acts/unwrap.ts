import { Act } from '../act.ts'
import type { Client } from '../client.ts'

/**
 * Turns gOPEN back into native tokens. In wei. What is locked must be unlocked first.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { balanceOf, connect, unwrap, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const before = await balanceOf(client, account.address)
 * await wrap(client, 5n)
 * await unwrap(client, 5n)
 * assert.equal((await balanceOf(client, account.address)).gOpen, before.gOpen)
 * ```
 */
export const unwrap = (client: Client, amount: bigint): Promise<void> =>
  Act.run(client, 'unwrap', { amount }, async (act) => {
    await act.send({ contract: 'GOpen', functionName: 'withdraw', args: [amount] })
  })
