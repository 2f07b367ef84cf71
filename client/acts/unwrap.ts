import { Act } from '../act.ts'
import type { Client } from '../client.ts'

/** Turns gOPEN back into native tokens. In wei. What is locked must be unlocked first. */
export const unwrap = (client: Client, amount: bigint): Promise<void> =>
  Act.run(client, 'unwrap', { amount }, async (act) => {
    await act.send({ contract: 'GOpen', functionName: 'withdraw', args: [amount] })
  })
