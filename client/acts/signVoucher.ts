import type { Hex } from 'viem'
import { type Voucher, voucherData } from '#rules/channel.ts'
import { walletOf } from '../account.ts'
import type { Client } from '../client.ts'

/**
 * Signs that the host of a channel may redeem up to `ceiling` of it, in all. Whoever has the voucher can do that: sign no more than is used.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, signVoucher } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const channelId = `0x${'12'.repeat(32)}` as const
 * assert.match(await signVoucher(client, { channelId, ceiling: 10n ** 18n }), /^0x[0-9a-f]{130}$/)
 * ```
 */
export async function signVoucher(client: Client, voucher: Voucher): Promise<Hex> {
  const wallet = walletOf(client)
  return wallet.signTypedData({ ...voucherData(client.deployment.chainId, voucher), account: wallet.account })
}
