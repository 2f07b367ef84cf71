import type { Hex } from 'viem'
import { walletOf } from '../account.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { signVoucher } from './signVoucher.ts'

/** What x402's clients ask to be signed. */
interface TypedData {
  primaryType: string
  domain: Record<string, unknown>
  message: Record<string, unknown>
}

/**
 * The account as a signer of x402's clients: it signs vouchers for this chain and nothing else, and the state of its channels comes from the market.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, x402Signer } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const signer = x402Signer(client)
 * const scheme = new BatchSettlementEvmScheme(signer, { depositStrategy: () => false })
 * assert.equal(scheme.scheme, 'batch-settlement') // new x402Client().register('eip155:1', scheme)
 * const permit = { primaryType: 'Permit', domain: { chainId: client.deployment.chainId }, types: {}, message: {} }
 * await assert.rejects(signer.signTypedData(permit))
 * ```
 */
export function x402Signer(client: Client) {
  return {
    address: walletOf(client).account.address,
    /** @throws ClientError when it is no voucher for this chain: a server may ask for a transfer of any token. */
    async signTypedData({ primaryType, domain, message }: TypedData): Promise<Hex> {
      const { chainId } = client.deployment
      if (primaryType !== 'Voucher' || Number(domain.chainId) !== chainId)
        throw new ClientError(
          `Here only vouchers for chain ${chainId} are signed, no ${primaryType} for chain ${domain.chainId}.`,
        )
      const { channelId, maxClaimableAmount } = message as { channelId: Hex; maxClaimableAmount: bigint | string }
      return signVoucher(client, { channelId, ceiling: BigInt(maxClaimableAmount) })
    },
    /** `channels` of x402's contract: all that was deposited, and redeemed. */
    async readContract({ functionName, args }: { functionName: string; args?: readonly unknown[] }): Promise<unknown> {
      if (functionName !== 'channels') throw new Error(`x402’s ${functionName} is not a function of the market.`)
      const [balance, redeemed] = await client.read('InferenceMarket', 'channels', [args?.[0] as Hex])
      return [balance + redeemed, redeemed]
    },
  }
}
