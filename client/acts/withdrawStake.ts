import { Act } from '../act.ts'
import type { Client } from '../client.ts'

/** Takes back the stakes of contributions whose hold is over. */
export const withdrawStake = (client: Client, ids: readonly bigint[]): Promise<void> =>
  Act.run(client, 'withdrawStake', { ids }, async (act) => {
    await act.send({ contract: 'DatanetRegistry', functionName: 'withdrawStake', args: [ids] })
  })
