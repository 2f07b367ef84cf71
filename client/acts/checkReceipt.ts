import { type Hex, hashTypedData, recoverTypedDataAddress } from 'viem'
import { attributionDigest, contentSalt, saltedTextHash, totalHash } from '#rules/receipt.ts'
import type { CallReceipt } from '../reads/receipt.ts'
import { isWholeReceipt, receiptMessage } from './receiptMessage.ts'

/** What of a receipt can be checked: that its hash is that of its facts, which its signer has signed; that prompt and answer, the sum of the channel's fees, and what the answer was traced to are
 *  those that it has signed; the consumer's countersignature; that the signer is the host of the endpoint on the chain. */
export type CheckedPart = 'hash' | 'texts' | 'total' | 'attribution' | 'countersignature' | 'host'

/** What is wrong with a receipt; nothing when it is right. */
export interface ReceiptVerdict {
  valid: boolean
  problems: string[]
  /** What was there to check, and is right. */
  checked: CheckedPart[]
  /** What is there, and follows from nothing that was signed: whoever made the file may have put in anything. Absent where there is nothing of it. */
  unchecked?: CheckedPart[]
  /** Who has signed these facts. Of facts that somebody has changed together with the hash it is some address that nobody knows: whether it is the host is checked as `host`. */
  signer?: Hex
}

/**
 * Checks that a receipt says what its host has signed, from the receipt alone: who the host must be, `verifyReceipt` asks the chain.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { type CallReceipt, checkReceipt } from '#client/index.ts'
 *
 * const { valid, problems } = await checkReceipt({ id: 'r', fee: '5' } as CallReceipt)
 * assert.deepEqual([valid, problems.length], [false, 1]) // else { valid, problems, checked, signer }
 * ```
 */
export async function checkReceipt(receipt: CallReceipt): Promise<ReceiptVerdict> {
  if (!isWholeReceipt(receipt))
    return invalid(
      'A part is missing: only its consumer can read the whole receipt, and an earlier release signed receipts in another form.',
    )
  const problems: string[] = []
  const checked: CheckedPart[] = []
  const check = (part: CheckedPart, isRight: () => boolean, problem: string) =>
    holds(isRight) ? void checked.push(part) : void problems.push(problem)
  const recover = async (signature: string, attribution?: string | null) =>
    recoverTypedDataAddress({ ...receiptMessage(receipt, attribution), signature: signature as Hex })
  const signer = await recover(receipt.signature).catch(() => undefined)
  if (!signer) return invalid('The signature cannot be read: it, or what it signs, has another form.')
  check(
    'hash',
    () => receipt.hash === hashTypedData(receiptMessage(receipt)),
    'The hash is not that of these facts: one of them was changed.',
  )

  const { salt, prompt, answer, cumulative, attributions } = receipt
  const content = typeof salt === 'string' ? contentSalt(salt as Hex) : undefined
  if (salt != null && !content) problems.push('The salt has another form.')
  const unchecked: CheckedPart[] = []
  const hasTexts = Boolean(prompt || answer)
  if (hasTexts && (!content || prompt == null || answer == null)) unchecked.push('texts')
  else if (content && hasTexts)
    check(
      'texts',
      () =>
        saltedTextHash(content, prompt as string) === receipt.requestHash &&
        saltedTextHash(content, answer as string) === receipt.responseHash,
      'Prompt and answer are not those that were signed.',
    )
  if (cumulative != null && typeof salt !== 'string') unchecked.push('total')
  else if (cumulative != null)
    check(
      'total',
      () => totalHash(salt as Hex, BigInt(cumulative)) === receipt.totalHash,
      'The sum of the channel’s fees (cumulative) is not the one that was signed.',
    )
  const { attributionDigest: digest, attributionSignature } = receipt
  if (digest || attributionSignature) {
    if (!digest || (await recover(attributionSignature ?? '', digest).catch(() => undefined)) !== signer)
      problems.push('The digest of the attribution is not one that the host has signed for this receipt.')
    else if (content && attributions)
      check(
        'attribution',
        () => attributionDigest(content, attributions) === digest,
        'The attribution is not the one that was signed.',
      )
  }
  if (attributions && attributions.length > 0 && !(digest && content)) unchecked.push('attribution')
  if (receipt.countersignature) {
    const countersigner = await recover(receipt.countersignature).catch(() => undefined)
    check(
      'countersignature',
      () => countersigner?.toLowerCase() === receipt.consumer.toLowerCase(),
      'The countersignature is not that of the consumer for this receipt.',
    )
  }
  return { valid: problems.length === 0, problems, checked, ...(unchecked.length > 0 && { unchecked }), signer }
}

/** What has another form than a receipt’s is not right either. */
function holds(isRight: () => boolean): boolean {
  try {
    return isRight()
  } catch {
    return false
  }
}

const invalid = (problem: string): ReceiptVerdict => ({ valid: false, problems: [problem], checked: [] })
