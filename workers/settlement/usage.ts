import type { Hex } from 'viem'
import { contentSalt, totalHash } from '#rules/receiptHash.ts'
import { putDocument, type UsageReceipt, usageDocument } from '#schema/documents.ts'
import { AnswerAttribution, Receipt } from '#schema/offchain/attribution.ts'
import { rowsOf } from '#schema/rows.ts'
import { storeAs } from '../dependencies.ts'
import type { JobContext } from '../job.ts'
import { OPENED } from './epochReceipts.ts'

type Job = JobContext<'settleEpoch'>

/** Stores the usage document of each host that is served here and has opened receipts in the epoch. Returns their names, in the order of the hosts. Nothing
 *  about other receipts is in them (amendment 14). */
export async function storeUsage(job: Job): Promise<string[]> {
  const { epoch } = job.input
  const receipts = await rowsOf(job.db, Receipt, OPENED, [epoch], { orderBy: 'id' })
  const hosts = await hostsOfEndpoints(job, [...new Set(receipts.map((one) => one.endpointId))])
  const documents = await usageReceipts(job, receipts)
  const names: string[] = []
  for (const host of [...new Set(hosts.values())].sort()) {
    const ofHost = documents.filter((one) => hosts.get(one.endpointId) === host)
    names.push(await putDocument(storeAs(job, 'usage'), usageDocument, { epoch, receipts: ofHost }))
  }
  return names
}

async function hostsOfEndpoints({ db }: Job, endpointIds: string[]): Promise<Map<string, string>> {
  const { rows } = await db.query<{ id: string; host: string }>(
    'select id, host from endpoint where id = any($1) and to_block is null',
    [endpointIds],
  )
  return new Map(rows.map(({ id, host }) => [id, host]))
}

async function usageReceipts({ db }: Job, receipts: readonly Receipt[]): Promise<UsageReceipt[]> {
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
    signature: one.signature,
    ...(one.salt !== null && {
      contentSalt: contentSalt(one.salt as Hex),
      totalHash: totalHash(one.salt as Hex, one.cumulative),
    }),
    attribution: parts.get(one.id) ?? [],
  }))
}
