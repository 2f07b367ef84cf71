import type { Address, Hex } from 'viem'
import type { HDAccount } from 'viem/accounts'
import { type VoucherMessage, voucherData } from '#rules/signing.ts'
import type { World } from './world.ts'

/** The message that a consumer signs; `over` replaces parts of the domain, for forgeries. */
export async function signVoucher(
  world: World,
  signer: HDAccount,
  voucher: VoucherMessage,
  over: { chainId?: number; contract?: Address; name?: string } = {},
): Promise<Hex> {
  const place = {
    chainId: over.chainId ?? world.deployment.chainId,
    contract: over.contract ?? world.at.InferenceMarket,
  }
  const data = voucherData(place, voucher)
  return signer.signTypedData({ ...data, domain: { ...data.domain, name: over.name ?? data.domain.name } })
}
