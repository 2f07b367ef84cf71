import type { Logger } from 'pino'
import type { Hex } from 'viem'
import { ascending } from '#rules/order.ts'
import { contentSalt, totalHash } from '#rules/receipt.ts'
import type { Sql } from '#schema/database.ts'
import { documentBytes, putDocument } from '#schema/documents.ts'
import { AnswerAttribution, Receipt } from '#schema/offchain/attribution.ts'
import { rowsOf } from '#schema/rows.ts'
import { MAX_USAGE_BYTES, type SignedUsage, type UsageReceipt, usageDocument } from '#schema/usageDocument.ts'
import type { ChainClient } from '../chain.ts'
import { OPENED, TRACED } from './epochReceipts.ts'

/** What a host's usage document is made from and signed with. */
export interface UsageSources {
  db: Sql
  chain: Pick<ChainClient, 'account' | 'signUsage'>
  store: Parameters<typeof putDocument>[0]
  log: Pick<Logger, 'warn'>
}

/** Stores and signs the usage document of the workers' own account: the opened receipts of its endpoints in the epoch, as many as a document may have.
 *  Nothing about other receipts is in it (amendment 14). One that is not traced yet is left out: its fee is shared by version weight, like that of an answer
 *  which is not opened. */
export async function signedUsage({ db, chain, store, log }: UsageSources, epoch: number): Promise<SignedUsage> {
  const rows = await rowsOf(
    db,
    Receipt,
    `${OPENED} and ${TRACED} and texts_removed_at is null and endpoint_id in (select id from endpoint where host = $2 and to_block is null)`,
    [epoch, chain.account],
    { orderBy: 'id' },
  )
  const all = await usageReceipts(db, rows)
  const receipts = fitting(all)
  if (receipts.length < all.length)
    log.warn(
      { epoch, receipts: all.length, stated: receipts.length },
      'the usage document is full: the fees of the other receipts are shared by version weight',
    )
  const document = await putDocument(store, usageDocument, { epoch, receipts })
  return { document, signature: await chain.signUsage(epoch, document as `0x${string}`) }
}

/** For the members around the receipts. */
const ENVELOPE_BYTES = 100

/** As many as fit; those with the highest fee for their length first, so that nobody takes the room of others' answers for less than these cost. */
function fitting(receipts: readonly UsageReceipt[]): UsageReceipt[] {
  const sized = receipts.map((receipt) => ({ receipt, size: documentBytes(receipt).length + 1 }))
  sized.sort((a, b) => ascending(BigInt(b.receipt.fee) * BigInt(a.size), BigInt(a.receipt.fee) * BigInt(b.size)))
  let left = MAX_USAGE_BYTES - ENVELOPE_BYTES
  const chosen = new Set<UsageReceipt>()
  for (const { receipt, size } of sized) {
    if (size > left) continue
    left -= size
    chosen.add(receipt)
  }
  return receipts.filter((one) => chosen.has(one))
}

async function usageReceipts(db: Sql, receipts: readonly Receipt[]): Promise<UsageReceipt[]> {
  const shares = await rowsOf(
    db,
    AnswerAttribution,
    'receipt_id = any($1) and share > 0',
    [receipts.map((one) => one.id)],
    { orderBy: 'receipt_id, contribution_id::numeric' },
  )
  const parts = new Map<string, UsageReceipt['attribution']>(receipts.map((one) => [one.id, []]))
  for (const { receiptId, contributionId, share } of shares) parts.get(receiptId)?.push({ contributionId, mass: share })
  return receipts.map((one) => ({
    id: one.id,
    endpointId: one.endpointId,
    versionId: one.versionId,
    channelId: one.channelId ?? '',
    consumer: one.consumer,
    prompt: one.prompt,
    answer: one.answer,
    tokensIn: one.tokensIn,
    tokensOut: one.tokensOut,
    fee: one.fee.toString(),
    cumulative: '0',
    signature: one.attributionSignature ?? one.signature,
    ...(one.salt !== null && {
      contentSalt: contentSalt(one.salt as Hex),
      totalHash: totalHash(one.salt as Hex, one.cumulative),
    }),
    attribution: parts.get(one.id) ?? [],
  }))
}
