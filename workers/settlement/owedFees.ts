import type { Sql } from '#schema/database.ts'

/** A channel with fees that its host has not redeemed yet, as of the newest indexed block. Amounts in wei. */
export interface OwedChannel {
  channelId: `0x${string}`
  endpointId: string
  consumer: `0x${string}`
  key: `0x${string}`
  salt: `0x${string}`
  /** What the newest voucher grants. */
  ceiling: bigint
  signature: `0x${string}`
  /** The fees of all answered calls. */
  used: bigint
  redeemed: bigint
  /** `redeemed` after a redemption of all that voucher and credit allow. */
  redeemable: bigint
  /** Whether the consumer has requested a withdrawal that would take credit which the fees need. */
  isThreatened: boolean
  /** The block in which the channel changed last. */
  changedIn: number
}

/** SQL: `s` is a voucher, `c` its channel and `e` the endpoint, on condition that `host` ($1, in lower case) has fees to redeem there. */
export const OWED = `signed_voucher s join payment_channel c on c.id = s.id and c.to_block is null
  join endpoint e on e.id = c.endpoint_id and e.to_block is null
  where lower(e.host) = $1 and s.used > c.redeemed`

/** SQL: what can be redeemed in all. */
export const REDEEMABLE = 'least(s.used, s.ceiling, c.redeemed + c.balance)'

/** SQL: calls after the request of a withdrawal are covered by other credit, so each request threatens what is owed at most once. */
export const THREATENED = '(c.withdrawing > 0 and c.withdrawing + s.used - c.redeemed > c.balance)'

/** The channels at the endpoints of `host`, in lower case, with fees that are not redeemed. In the order of their ids. */
export async function owedChannels(sql: Sql, host: string): Promise<OwedChannel[]> {
  const { rows } = await sql.query<OwedChannel>(
    `select c.id as "channelId", c.endpoint_id as "endpointId", c.consumer, c.key, c.salt, s.ceiling, s.signature, s.used, c.redeemed,
       ${REDEEMABLE} as redeemable, ${THREATENED} as "isThreatened", c.from_block as "changedIn"
     from ${OWED} order by c.id`,
    [host],
  )
  return rows
}
