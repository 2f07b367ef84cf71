import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'

/** Takes the vote from locked gOPEN at once. @returns when `unlock` gives it back. */
export const requestUnlock = (client: Client, amount: bigint): Promise<Date> =>
  Act.run(client, 'requestUnlock', { amount }, async (act) => {
    const mined = await act.send({ contract: 'GOpen', functionName: 'requestUnlock', args: [amount] })
    return new Date(Number(eventOf(mined, 'GOpen', 'UnlockRequested').args.availableAt) * 1000)
  })

/** Gives back what the account has asked to unlock. */
export const unlock = (client: Client): Promise<void> =>
  Act.run(client, 'unlock', {}, async (act) => {
    await act.send({ contract: 'GOpen', functionName: 'unlock', args: [act.account] })
  })
