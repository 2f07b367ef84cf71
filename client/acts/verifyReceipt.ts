import type { Client } from '../client.ts'
import type { CallReceipt } from '../reads/receipt.ts'
import { checkReceipt, type ReceiptVerdict } from './checkReceipt.ts'

/**
 * Checks that a receipt says what its signature covers, and that the endpoint's host on the chain has signed it: without trust in whoever gave the receipt.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, readReceipt, verifyReceipt } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const checked = async (id: string) => verifyReceipt(client, await readReceipt(client, id))
 * await assert.rejects(checked('99'), /There is no receipt 99/) // else { valid, problems, checked, signer }
 * ```
 */
export async function verifyReceipt(client: Client, receipt: CallReceipt): Promise<ReceiptVerdict> {
  const verdict = await checkReceipt(receipt)
  const { problems, checked, signer } = verdict
  if (!signer) return verdict
  const { chainId, addresses } = client.deployment
  const market = addresses.InferenceMarket
  if (receipt.chainId !== chainId || receipt.market.toLowerCase() !== market.toLowerCase())
    problems.push(
      `It is signed for the market ${receipt.market} on chain ${receipt.chainId}; this is ${market} on chain ${chainId}.`,
    )
  else {
    const [host] = await client.read('InferenceMarket', 'endpoints', [BigInt(receipt.endpointId)])
    if (signer.toLowerCase() === host.toLowerCase()) checked.push('host')
    else problems.push(`${signer} has signed it, and not the host of endpoint ${receipt.endpointId}, ${host}.`)
  }
  return { ...verdict, valid: problems.length === 0 }
}
