import type { Hex, TypedDataDefinition } from 'viem'
import { walletOf } from '../account.ts'
import type { Client } from '../client.ts'

/**
 * The account as a signer of x402's clients: it signs vouchers of its channels, whose state comes from the market.
 * @example
 * ```ts
 * import { x402Signer } from 'modelcommons/client'
 * import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client'
 *
 * const scheme = new BatchSettlementEvmScheme(x402Signer(client), { depositStrategy: () => false })
 * ```
 */
export function x402Signer(client: Client) {
  const wallet = walletOf(client)
  return {
    address: wallet.account.address,
    signTypedData: (data: TypedDataDefinition): Promise<Hex> =>
      wallet.signTypedData({ ...data, account: wallet.account }),
    /** `channels` of x402's contract: all that was deposited, and redeemed. */
    async readContract({ functionName, args }: { functionName: string; args?: readonly unknown[] }): Promise<unknown> {
      if (functionName !== 'channels') throw new Error(`x402’s ${functionName} is not a function of the market.`)
      const [balance, redeemed] = await client.read('InferenceMarket', 'channels', [args?.[0] as Hex])
      return [balance + redeemed, redeemed]
    },
  }
}
