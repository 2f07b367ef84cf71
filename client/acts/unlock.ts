import { Act } from '../act.ts'
import type { Client } from '../client.ts'

/**
 * Gives back what the account has asked to unlock.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, delegate, requestUnlock, unlock, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await wrap(client, 5n)
 * await delegate(client, { to: account.address, lock: 5n })
 * await requestUnlock(client, 5n)
 * await assert.rejects(unlock(client), /StillLocked/) // until the time that requestUnlock tells
 * ```
 */
export const unlock = (client: Client): Promise<void> =>
  Act.run(client, 'unlock', {}, async (act) => {
    await act.send({ contract: 'GOpen', functionName: 'unlock', args: [act.account] })
  })
