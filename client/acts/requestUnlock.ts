import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'

/**
 * Takes the vote from locked gOPEN at once. @returns when `unlock` gives it back.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, delegate, requestUnlock, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await wrap(client, 5n)
 * await delegate(client, { to: account.address, lock: 5n })
 * const availableAt = await requestUnlock(client, 5n) // from then on: await unlock(client)
 * assert.ok(availableAt.getTime() > 0)
 * ```
 */
export const requestUnlock = (client: Client, amount: bigint): Promise<Date> =>
  Act.run(client, 'requestUnlock', { amount }, async (act) => {
    const mined = await act.send({ contract: 'GOpen', functionName: 'requestUnlock', args: [amount] })
    return new Date(Number(eventOf(mined, 'GOpen', 'UnlockRequested').args.availableAt) * 1000)
  })
