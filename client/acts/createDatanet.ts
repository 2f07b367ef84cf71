import { trainingConflict } from '#rules/licences.ts'
import { COMPARISONS, type Comparison } from '#rules/shingles.ts'
import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql } from '../graphql/document.ts'

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
 * @throws ClientError when no model under the mandate's licence may be trained from samples under this one: nobody would judge them.
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
    await requireFittingLicence(client, modelId, licence)
    const mined = await act.send({
      contract: 'DatanetRegistry',
      functionName: 'createDatanet',
      args: [modelId, licence, minStake, COMPARISONS.indexOf(comparison)],
    })
    return eventOf(mined, 'DatanetRegistry', 'DatanetCreated').args.datanetId
  })

const LICENCES = graphql('query ($id: ID!) { model(id: $id) { licences { model base } } }')

/** Where nobody can read the model's specification, nothing can be compared. */
async function requireFittingLicence(client: Client, modelId: bigint, licence: string): Promise<void> {
  const { model } = await client.ask(LICENCES, { id: modelId.toString() })
  if (!model?.licences) return
  const { model: mandate, base } = model.licences
  const conflict = trainingConflict({ model: mandate, ...(base !== null && { base }), data: [licence] })
  if (conflict !== null)
    throw new ClientError(
      `Model ${modelId} is under ${mandate}, and no version could be trained from this datanet. ${conflict} Nothing was sent.`,
    )
}
