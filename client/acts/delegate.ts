import type { Address } from 'viem'
import { delegationData } from '#rules/signing.ts'
import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { signatureParts } from './permit.ts'
import { signOnce } from './signOnce.ts'

/**
 * Locks gOPEN, if an amount is given, and lets an account vote with all that is locked. Only locked gOPEN votes; it comes back by `requestUnlock` and
 * `unlock`.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { balanceOf, connect, delegate, wrap } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * await wrap(client, 5n)
 * await delegate(client, { to: account.address, lock: 5n })
 * assert.ok((await balanceOf(client, account.address)).votes >= 5n)
 * ```
 */
export const delegate = (client: Client, { to, lock = 0n }: { to: Address; lock?: bigint }): Promise<void> =>
  Act.run(client, 'delegate', { to, lock }, async (act) => {
    if (lock > 0n) await act.send({ contract: 'GOpen', functionName: 'lock', args: [lock] })
    if ((await client.read('GOpen', 'delegates', [act.account])).toLowerCase() === to.toLowerCase()) return
    if (client.relay) await delegateBySignature(act, to)
    else await act.send({ contract: 'GOpen', functionName: 'delegate', args: [to] })
  })

async function delegateBySignature(act: Act, to: Address): Promise<void> {
  const { client, account } = act
  const { chainId, addresses } = client.deployment
  const { nonce, deadline, signature } = await signOnce(act, 'delegation', {
    nonce: () => client.read('GOpen', 'nonces', [account]),
    data: (once) =>
      delegationData(
        { chainId, contract: addresses.GOpen },
        { delegatee: to, nonce: once.nonce, expiry: once.deadline },
      ),
  })
  const args = [to, nonce, deadline, ...signatureParts(signature)] as const
  await act.send({ contract: 'GOpen', functionName: 'delegateBySig', args })
}
