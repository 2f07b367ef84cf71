import type { Hex } from 'viem'
import { receiptData } from '#rules/receipt.ts'
import type { CallReceipt } from '../reads/receipt.ts'

const SIGNED_TEXTS = [
  ...(['market', 'id', 'endpointId', 'versionId', 'consumer', 'fee', 'signature'] as const),
  ...(['requestHash', 'responseHash', 'totalHash'] as const),
]

/** A receipt with all that is signed of it. */
export type WholeReceipt = CallReceipt & {
  [K in (typeof SIGNED_TEXTS)[number] | 'tokensIn' | 'tokensOut']: NonNullable<CallReceipt[K]>
}

/** What comes from a file may be anything. */
export const isWholeReceipt = (receipt: CallReceipt): receipt is WholeReceipt =>
  [receipt.chainId, receipt.tokensIn, receipt.tokensOut].every(Number.isSafeInteger) &&
  SIGNED_TEXTS.every((name) => typeof receipt[name] === 'string')

/** What is signed of a receipt (`receiptData`): without `attribution`, what the host has signed when it answered. @throws Error when it has another form */
export function receiptMessage(receipt: WholeReceipt, attribution?: string | null) {
  const { chainId, market, requestHash, responseHash, totalHash } = receipt
  const hashes = { requestHash, responseHash, totalHash } as {
    [K in 'requestHash' | 'responseHash' | 'totalHash']: Hex
  }
  const statement = { ...receipt, ...hashes, fee: BigInt(receipt.fee) }
  return receiptData({ chainId, contract: market as Hex }, statement, (attribution ?? undefined) as Hex | undefined)
}
