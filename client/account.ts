import type { Address } from 'viem'
import type { Client } from './client.ts'
import { ClientError } from './errors.ts'

/** The account of a client. @throws ClientError when it has none. */
export const accountOf = (client: Client): Address => walletOf(client).account.address

/** What signs and sends for a client. @throws ClientError when it has none. */
export function walletOf({ wallet }: Client): NonNullable<Client['wallet']> {
  if (!wallet) throw new ClientError('This needs an account: connect with `account` or `wallet`.')
  return wallet
}
