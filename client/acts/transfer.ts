import type { Address } from 'viem'
import { Act } from '../act.ts'
import type { Client } from '../client.ts'

/**
 * Sends gOPEN to another account, in wei.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { balanceOf, connect, transfer, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const friend = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 11 })
 * await wrap(client, 5n)
 * await transfer(client, friend.address, 5n)
 * assert.ok((await balanceOf(client, friend.address)).gOpen >= 5n)
 * ```
 */
export const transfer = (client: Client, to: Address, amount: bigint): Promise<void> =>
  Act.run(client, 'transfer', { to, amount }, async (act) => {
    await act.send({ contract: 'GOpen', functionName: 'transfer', args: [to, amount] })
  })
