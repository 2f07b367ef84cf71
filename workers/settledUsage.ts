import { getDocument, usageDocument } from '#schema/documents.ts'
import { UsageSettlement } from '#schema/onchain/market.ts'
import { rowsOf } from '#schema/rows.ts'
import type { JobContext } from './job.ts'

/** The key of the transaction that settles the usage of an endpoint. */
export const usageKey = (epoch: number, endpointId: string) => `usage:${epoch}:${endpointId}`

/** Marks the receipts that this operator has settled and this database does not know to be settled, because an older copy of it was restored: the
 *  journal of transactions lacks the settlement, and the chain names the document of its receipts. So none of them is charged again.
 *  @throws ArtifactError when the document is missing: then nothing is settled until it is back. */
export async function adoptSettlements(job: Pick<JobContext, 'db' | 'chain' | 'artifacts'>): Promise<void> {
  const settled = await rowsOf(
    job.db,
    UsageSettlement,
    'endpoint_id in (select id from endpoint where to_block is null and lower(host) = $1)',
    [job.chain.account],
  )
  for (const { epoch, endpointId, root } of settled) {
    if (await job.chain.signedTransaction(usageKey(epoch, endpointId))) continue
    const { receipts } = await getDocument(job.artifacts, usageDocument, root)
    await job.db.query(
      `update receipt set epoch = case when id = any($3) then $1::int end
       where endpoint_id = $2 and (epoch = $1 or id = any($3)) and epoch is distinct from case when id = any($3) then $1::int end`,
      [epoch, endpointId, receipts.map(({ id }) => id)],
    )
  }
}
