import type { Sql } from '#schema/database.ts'
import type { CreditHold } from '#schema/offchain/attribution.ts'
import { JobError } from './job.ts'

/** An answer and its redemption take less than this: credit that the consumer can withdraw by then does not count. */
const REDEEMED_WITHIN = '5 minutes'

/** Checks, before a call is answered, that its channel still has the credit that was reserved. A call that waited for longer than the withdrawal delay may
 *  have been reserved before its consumer requested a withdrawal; of several such calls, those that were reserved first are answered (amendment 7a).
 *  @throws JobError when the fee could not be redeemed. */
export async function requireCovered(sql: Sql, hold: Pick<CreditHold, 'id' | 'channelId' | 'maximum' | 'createdAt'>) {
  const { id, channelId, maximum, createdAt } = hold
  if (channelId === null || maximum === 0n) return
  const { rows } = await sql.query<{ free: bigint }>(
    `select c.balance - greatest(s.used - c.redeemed, 0)
       - case when c.withdrawable_at < b.timestamp + interval '${REDEEMED_WITHIN}' then c.withdrawing else 0 end
       - (select coalesce(sum(maximum), 0) from credit_hold where consumer = c.consumer and channel_id = c.id and open and (created_at, id) < ($3, $2))
         as free
     from payment_channel c join signed_voucher s on s.id = c.id
       left join (select timestamp from block order by number desc limit 1) b on true
     where c.id = $1 and c.to_block is null`,
    [channelId, id, createdAt],
  )
  if (rows[0] && rows[0].free >= maximum) return
  throw new JobError(
    'NOT_ENOUGH_CREDIT',
    `The credit of channel ${channelId} that was reserved for this call is being withdrawn, or was. Deposit at least ${maximum} wei and request the answer again.`,
  )
}
