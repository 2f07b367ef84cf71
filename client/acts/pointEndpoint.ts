import { Act } from '../act.ts'
import type { Client } from '../client.ts'

/**
 * Lets an endpoint serve another version of the same model.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, pointEndpoint } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const pointed = pointEndpoint(client, { endpointId: 99n, versionId: 1n })
 * await assert.rejects(pointed, /InferenceMarket.setVersion is refused/) // only its host may
 * ```
 */
export const pointEndpoint = (
  client: Client,
  { endpointId, versionId }: { endpointId: bigint; versionId: bigint },
): Promise<void> =>
  Act.run(client, 'pointEndpoint', { endpointId, versionId }, async (act) => {
    await act.send({ contract: 'InferenceMarket', functionName: 'setVersion', args: [endpointId, versionId] })
  })
