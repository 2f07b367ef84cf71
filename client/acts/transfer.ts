import type { Address } from 'viem'
import { Act } from '../act.ts'
import type { Client } from '../client.ts'

/** Sends gOPEN to another account, in wei. */
export const transfer = (client: Client, to: Address, amount: bigint): Promise<void> =>
  Act.run(client, 'transfer', { to, amount }, async (act) => {
    await act.send({ contract: 'GOpen', functionName: 'transfer', args: [to, amount] })
  })
