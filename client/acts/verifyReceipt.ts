import { type Hex, recoverMessageAddress } from 'viem'
import { contentSalt, receiptHash, totalHash } from '#rules/receiptHash.ts'
import type { Client } from '../client.ts'
import type { CallReceipt } from '../reads/receipt.ts'

/** What is wrong with a receipt; nothing when it is right. */
export interface ReceiptVerdict {
  valid: boolean
  problems: string[]
  /** Who has signed it. */
  signer?: Hex
}

const CHANGED = 'The hash is not that of these facts: one of them was changed.'
const WITHOUT_TEXTS =
  'The hash is not that of empty texts: prompt and answer were deleted, or one of the facts was changed. Put the texts into the receipt to check it.'

/**
 * Checks that a receipt says what its signature covers, and that the endpoint's host, or a worker of the operator, has signed it: without trust in
 * whoever gave the receipt.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, readReceipt, verifyReceipt } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const checked = async (id: string) => verifyReceipt(client, await readReceipt(client, id))
 * await assert.rejects(checked('99'), /There is no receipt 99/) // else { valid, problems, signer }
 * ```
 */
export async function verifyReceipt(client: Client, receipt: CallReceipt): Promise<ReceiptVerdict> {
  const { prompt, answer, tokensIn, tokensOut, fee, cumulative, salt, hash, signature } = receipt
  const isWhole =
    prompt !== null && answer !== null && tokensIn !== null && tokensOut !== null && fee !== null && cumulative !== null
  if (!isWhole || salt === null || hash === null || signature === null)
    return { valid: false, problems: ['A part is missing: only its consumer can read the whole receipt.'] }
  const problems: string[] = []
  const computed = receiptHash(
    { ...receipt, tokensIn, tokensOut, fee: BigInt(fee) },
    {
      ...{ prompt, answer },
      contentSalt: contentSalt(salt as Hex),
      totalHash: totalHash(salt as Hex, BigInt(cumulative)),
    },
  )
  if (computed !== hash) problems.push(prompt === '' && answer === '' ? WITHOUT_TEXTS : CHANGED)
  const signed = { message: { raw: hash as Hex }, signature: signature as Hex }
  const signer = await recoverMessageAddress(signed).catch(() => undefined)
  if (!signer)
    return { valid: false, problems: [...problems, 'The signature cannot be read: it is none, or was changed.'] }
  const [host] = await client.read('InferenceMarket', 'endpoints', [BigInt(receipt.endpointId)])
  const trainer = await client.read('ModelRegistry', 'TRAINER_ROLE', [])
  const isWorker = await client.read('ModelRegistry', 'hasRole', [trainer, signer])
  if (signer.toLowerCase() !== host.toLowerCase() && !isWorker)
    problems.push(
      `${signer} has signed it: neither the host of endpoint ${receipt.endpointId} (${host}) nor a worker of the operator.`,
    )
  return { valid: problems.length === 0, problems, signer }
}
