import { Act } from '../act.ts'
import type { Client } from '../client.ts'

/** In wei of gOPEN for 1,000 tokens. */
export interface EndpointPrice {
  priceIn: bigint
  priceOut: bigint
}

/**
 * Changes the prices of an endpoint, for the calls from then on.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, setPrice } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const priced = setPrice(client, { endpointId: 99n, priceIn: 10n ** 15n, priceOut: 2n * 10n ** 15n })
 * await assert.rejects(priced, /InferenceMarket.setPrice is refused/) // only its host may
 * ```
 */
export const setPrice = (
  client: Client,
  { endpointId, priceIn, priceOut }: EndpointPrice & { endpointId: bigint },
): Promise<void> =>
  Act.run(client, 'setPrice', { endpointId, priceIn, priceOut }, async (act) => {
    await act.send({ contract: 'InferenceMarket', functionName: 'setPrice', args: [endpointId, priceIn, priceOut] })
  })
