import { COMPARISONS, type Comparison } from '#rules/shingles.ts'
import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'

export interface NewDatanet {
  modelId: bigint
  /** An SPDX name, under which every sample is given. */
  licence: string
  /** What is staked on each sample at least, in wei of gOPEN. */
  minStake: bigint
  /** How samples are compared. Default: as prose. */
  comparison?: Comparison
}

/**
 * Opens a datanet for a model; the account owns it.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, createDatanet } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 2 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * assert.ok((await createDatanet(client, { modelId: 1n, licence: 'CC-BY-4.0', minStake: 0n })) > 0n)
 * ```
 */
export const createDatanet = (
  client: Client,
  { modelId, licence, minStake, comparison = 'prose' }: NewDatanet,
): Promise<bigint> =>
  Act.run(client, 'createDatanet', { modelId, licence, minStake, comparison }, async (act) => {
    const mined = await act.send({
      contract: 'DatanetRegistry',
      functionName: 'createDatanet',
      args: [modelId, licence, minStake, COMPARISONS.indexOf(comparison)],
    })
    return eventOf(mined, 'DatanetRegistry', 'DatanetCreated').args.datanetId
  })
