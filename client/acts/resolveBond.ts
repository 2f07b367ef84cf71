import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'

/** Settles the bond of a model whose proposal's outcome is known. Anyone may. @returns what the proposer gets back, in wei. */
export const resolveBond = (client: Client, modelId: bigint): Promise<bigint> =>
  Act.run(client, 'resolveBond', { modelId }, async (act) => {
    const mined = await act.send({ contract: 'ModelRegistry', functionName: 'resolveBond', args: [modelId] })
    return eventOf(mined, 'ModelRegistry', 'BondReturned').args.amount
  })
