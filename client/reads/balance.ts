import type { Client } from '../client.ts'

/** What an account has. In wei. */
export interface Balance {
  native: bigint
  gOpen: bigint
  /** gOPEN that votes. */
  locked: bigint
  /** The votes that the account has now, its own and those delegated to it. */
  votes: bigint
}

/**
 * Reads what an account has.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { balanceOf, connect } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const { native, gOpen } = await balanceOf(client, account.address)
 * assert.ok(native > 0n && gOpen >= 0n)
 * ```
 */
export async function balanceOf(client: Client, account: `0x${string}`): Promise<Balance> {
  const [native, gOpen, locked, votes] = await Promise.all([
    client.node.getBalance({ address: account }),
    client.read('GOpen', 'balanceOf', [account]),
    client.read('GOpen', 'lockedOf', [account]),
    client.read('GOpen', 'getVotes', [account]),
  ])
  return { native, gOpen, locked, votes }
}
