import type { Address, Hex } from 'viem'
import type { HDAccount } from 'viem/accounts'
import type { World } from './world.ts'

export type Voucher = { consumer: Address; endpointId: bigint; cumulative: bigint; deadline: bigint }

/** What a consumer signs; `over` replaces parts of the domain, for forgeries. */
export async function signVoucher(
  world: World,
  signer: HDAccount,
  voucher: Voucher,
  over: { chainId?: number; contract?: Address; name?: string } = {},
): Promise<Hex> {
  return signer.signTypedData({
    domain: {
      name: over.name ?? 'InferenceMarket',
      version: '1',
      chainId: over.chainId ?? world.deployment.chainId,
      verifyingContract: over.contract ?? world.at.InferenceMarket,
    },
    types: {
      Voucher: [
        { name: 'consumer', type: 'address' },
        { name: 'endpointId', type: 'uint256' },
        { name: 'cumulative', type: 'uint256' },
        { name: 'deadline', type: 'uint64' },
      ],
    },
    primaryType: 'Voucher',
    message: voucher,
  })
}
