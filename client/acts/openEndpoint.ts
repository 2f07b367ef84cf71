import { Act } from '../act.ts'
import { eventOf } from '../chain/minedTransaction.ts'
import type { Client } from '../client.ts'
import type { EndpointPrice } from './setPrice.ts'

/**
 * Opens an endpoint for a promoted version; the account is its host. @returns the endpoint's id.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, openEndpoint } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const terms = { url: 'https://models.example.org', priceIn: 10n ** 15n, priceOut: 2n * 10n ** 15n }
 * await assert.rejects(openEndpoint(client, { versionId: 99n, ...terms }), /is refused/) // else the endpoint's id
 * ```
 */
export const openEndpoint = (
  client: Client,
  { versionId, url, priceIn, priceOut }: EndpointPrice & { versionId: bigint; url: string },
): Promise<bigint> =>
  Act.run(client, 'openEndpoint', { versionId, url, priceIn, priceOut }, async (act) => {
    const args = [versionId, url, priceIn, priceOut] as const
    const mined = await act.send({ contract: 'InferenceMarket', functionName: 'registerEndpoint', args })
    return eventOf(mined, 'InferenceMarket', 'EndpointRegistered').args.endpointId
  })
