import type { Hex } from 'viem'
import { walletOf } from '../account.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql } from '../graphql/document.ts'
import type { CallReceipt } from '../reads/receipt.ts'
import { isWholeReceipt, receiptMessage } from './receiptMessage.ts'
import { verifyReceipt } from './verifyReceipt.ts'

const COUNTERSIGN = graphql(`
  mutation ($id: ID!, $signature: String!, $key: String!) {
    countersignReceipt(id: $id, signature: $signature, idempotencyKey: $key) { id }
  }`)

/**
 * Signs, as the consumer of a receipt, what its host has signed when it answered, and lets the API keep the signature beside it. Nothing is paid by it.
 * @throws ClientError for a receipt that is not right.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, countersignReceipt, readReceipt } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const countersigned = async (id: string) => countersignReceipt(client, await readReceipt(client, id))
 * await assert.rejects(countersigned('99'), /There is no receipt 99/) // else the signature
 * ```
 */
export async function countersignReceipt(client: Client, receipt: CallReceipt): Promise<Hex> {
  const { valid, problems } = await verifyReceipt(client, receipt)
  if (!valid || !isWholeReceipt(receipt)) throw new ClientError(`The receipt is not right. ${problems.join(' ')}`)
  const wallet = walletOf(client)
  if (client.plan) {
    client.plan.push({ step: 'sign a receipt', from: wallet.account.address, args: [receipt.id], value: 0n })
    return '0x'
  }
  const signature = await wallet.signTypedData({ ...receiptMessage(receipt), account: wallet.account })
  await client.ask(COUNTERSIGN, { id: receipt.id, signature, key: `countersign:${receipt.id}` })
  return signature
}
