import { bigintMax, bigintMin } from '#rules/bps.ts'
import type { AccountName, LedgerFact } from '#rules/ledger.ts'
import type { Sql } from '#schema/database.ts'
import type { StoredLedger } from './storedLedger.ts'

/** A call whose end the ledger has not posted. Amounts in wei. */
export interface UnsettledCall {
  id: string
  channel: string
  maximum: bigint
  createdAt: Date
  /** `createdAt` to the microsecond: whoever opens the call again changes it. */
  version: string
  open: boolean
  /** Its receipt, if it was answered. `cumulative`: all fees of the channel so far, this one included. */
  receipt: { fee: bigint; cumulative: bigint; answeredAt: Date } | undefined
  /** The transfers that its hold has. */
  transfers: number
}

/** The calls that were accepted by `until` and that cost something, the oldest first, with what is known of their ends. */
export async function unsettledCalls(sql: Sql, until: Date): Promise<UnsettledCall[]> {
  const { rows } = await sql.query(
    `select h.id, h.channel_id as channel, h.maximum, h.created_at as "createdAt", h.created_at::text as version, h.open,
       r.fee, r.cumulative, r.answered_at as "answeredAt",
       (select count(*) from ledger_transfer where credit = 'hold:' || h.id) + (select count(*) from ledger_transfer where debit = 'hold:' || h.id) as transfers
     from credit_hold h left join receipt r on r.id = h.id and not h.open and h.fee > 0
     where not h.is_settled and h.created_at <= $1 and h.channel_id is not null and h.maximum > 0 order by h.created_at, h.id`,
    [until],
  )
  return rows.map(({ fee, cumulative, answeredAt, ...call }) => ({
    ...call,
    receipt: answeredAt ? { fee, cumulative, answeredAt } : undefined,
  }))
}

/** Something that a call did, and what is posted for it. */
export interface CallStep {
  at: Date
  facts(ledger: StoredLedger): LedgerFact[]
}

/** What a call moves up to the time `until`: its maximum is reserved, then its fee is charged, or all released.
 *  @param redeemed what is redeemed of its channel at the time of the step: no fee below it is owed any more */
export function callSteps(
  call: UnsettledCall,
  until: Date,
  redeemed: (channel: string) => bigint,
): { steps: CallStep[]; ended: boolean } {
  const { id, channel, maximum, receipt, open } = call
  const hold: AccountName = `hold:${id}`
  const name = () => ({ id: `${id}/${call.transfers++}`, call: id, channel })
  const reserve: CallStep = {
    at: call.createdAt,
    facts: (ledger) => {
      const held = ledger.balance(hold)
      if (held > maximum)
        // it was tried again, and asks for less
        return [
          { kind: 'release', ...name() },
          { kind: 'reserve', ...name(), amount: maximum },
        ]
      return held < maximum ? [{ kind: 'reserve', ...name(), amount: maximum - held }] : []
    },
  }
  if (open || (receipt && receipt.answeredAt > until)) return { steps: [reserve], ended: false }
  if (!receipt) return { steps: [{ at: until, facts: () => [{ kind: 'release', ...name() }] }], ended: true }
  const charge: CallStep = {
    at: receipt.answeredAt,
    facts: () => {
      const owed = bigintMax(0n, bigintMin(receipt.fee, receipt.cumulative - redeemed(channel)))
      return [owed > 0n ? { kind: 'charge', ...name(), fee: owed } : { kind: 'release', ...name() }]
    },
  }
  return { steps: [reserve, charge], ended: true }
}

/** Marks calls as settled, unless they were opened again meanwhile. */
export async function settleCalls(sql: Sql, calls: readonly UnsettledCall[], until: Date): Promise<void> {
  await sql.query(
    `update credit_hold h set is_settled = true from unnest($1::text[], $2::text[]) c (id, version)
     where h.id = c.id and h.created_at = c.version::timestamptz and not h.open`,
    [calls.map(({ id }) => id), calls.map(({ version }) => version)],
  )
  await sql.query(
    'update credit_hold set is_settled = true where not is_settled and not open and created_at <= $1 and (channel_id is null or maximum = 0)',
    [until],
  )
}
