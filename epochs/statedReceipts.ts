import type { AttributedReceipt } from '#rules/countedAnswers.ts'
import { parseDocument } from '#schema/documents.ts'
import { openedUsage } from '#schema/usageDocument.ts'

/** The receipts that a host's usage document states of its own endpoints (amendment 4a): none when it is no document or of another epoch. An entry that is no receipt,
 *  or one of another's endpoint, drops alone. */
export function statedReceipts(
  bytes: Uint8Array,
  epoch: number,
  isOwn: (endpointId: string) => boolean,
): AttributedReceipt[] {
  const parsed = parseDocument(openedUsage, bytes)
  if (!parsed.success || parsed.data.epoch !== epoch) return []
  return parsed.data.receipts.flatMap((receipt) => {
    if (!receipt || !isOwn(receipt.endpointId)) return []
    const { id: receiptId, endpointId, versionId, consumer, fee, attribution } = receipt
    return {
      receiptId,
      endpointId,
      versionId,
      consumer: consumer as `0x${string}`,
      fee: BigInt(fee),
      parts: attribution.map(({ contributionId, mass }) => ({ contributionId, mass: BigInt(mass) })),
    }
  })
}
