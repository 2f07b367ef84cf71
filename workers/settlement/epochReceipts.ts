import type { Sql } from '#schema/database.ts'
import { UNTRACED_CODES } from '../untraced.ts'

/** Sets the epoch of the receipts that the redemptions up to the end of `epoch` pay: a receipt is paid by the first redemption of its channel whose total
 *  reaches the receipt's cumulative sum. That follows from the chain alone, so after a restore it is the same. */
export async function assignReceipts(sql: Sql, epoch: number): Promise<void> {
  await sql.query(
    `update receipt set epoch = paid.epoch
     from (select r.id, first.epoch from receipt r cross join lateral (
         select epoch from redemption where channel_id = r.channel_id and to_block is null and total >= r.cumulative order by total limit 1) first
       where r.epoch is null and r.channel_id is not null order by r.id for update of r) paid
     where receipt.id = paid.id and paid.epoch <= $1`,
    [epoch],
  )
}

/** SQL: the receipts of epoch $1 whose attribution moves rewards: those that their consumers have opened, and that cost something. */
export const OPENED = 'receipt.epoch = $1 and receipt.is_open and receipt.fee > 0'

/** SQL: the receipts whose attribution is known, or was cancelled, or failed by its own fault. */
export const TRACED = `(exists (select 1 from answer_attribution part where part.receipt_id = receipt.id) or exists (
  select 1 from job_run done where done.kind = 'attribute' and done.input->>'receiptId' = receipt.id
    and (done.status in ('Succeeded', 'Cancelled')
      or done.status = 'Failed' and done.error->>'code' not in (${UNTRACED_CODES.map((code) => `'${code}'`).join(', ')}))))`
