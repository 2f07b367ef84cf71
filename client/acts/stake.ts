import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { allowTransfer } from './tokens.ts'

interface ModelStake {
  modelId: bigint
  /** In wei of gOPEN. */
  amount: bigint
}

/** Stakes gOPEN on a model: stakers share its revenue by stake and time. */
export const stake = (client: Client, { modelId, amount }: ModelStake): Promise<void> =>
  Act.run(client, 'stake', { modelId, amount }, async (act) => {
    const call = { contract: 'ModelRegistry', functionName: 'stake', args: [modelId, amount] } as const
    await allowTransfer(act, 'ModelRegistry', amount, call)
    await act.send(call)
  })

/** Takes stake back from a model. */
export const unstake = (client: Client, { modelId, amount }: ModelStake): Promise<void> =>
  Act.run(client, 'unstake', { modelId, amount }, async (act) => {
    await act.send({ contract: 'ModelRegistry', functionName: 'unstake', args: [modelId, amount] })
  })
