import type { Database } from '#schema/database.ts'
import { enqueue } from '#schema/enqueue.ts'
import { IS_LIVE } from '#schema/offchain/jobs.ts'
import type { Queues } from '#schema/queue.ts'
import { OWED, REDEEMABLE, THREATENED } from './owedFees.ts'

/** When hosts redeem and epochs are settled without a person (amendment 16). Any worker may ask at any time: all of them together start one job. */

export interface SettlementPolicy {
  db: Database
  queues: Pick<Queues, 'add'>
  /** The account of the workers, in lower case. */
  account: string
  /** How old the oldest fee may become before it is redeemed. */
  redeemAfterMs: number
  /** Whether the account publishes reward maps. */
  publishes: boolean
  /** Fees below this, in wei, are left for later, unless a withdrawal would take their credit. */
  redeemMin: bigint
}

type DueJob = { kind: 'redeem'; input: object } | { kind: 'settleEpoch'; input: { epoch: number } }

/** Starts the jobs whose time has come. */
export async function applySettlementPolicy(policy: SettlementPolicy): Promise<void> {
  for (const job of await dueSettlements(policy)) await start(policy, job)
}

/** The jobs whose time has come, whether or not they have been started. */
export async function dueSettlements(policy: Omit<SettlementPolicy, 'queues'>): Promise<DueJob[]> {
  const epoch = policy.publishes ? await endedEpoch(policy) : undefined
  return [
    ...((await isRedemptionDue(policy)) ? [{ kind: 'redeem' as const, input: {} }] : []),
    ...(epoch === undefined ? [] : [{ kind: 'settleEpoch' as const, input: { epoch } }]),
  ]
}

/** A channel whose redemption failed is left alone for this time, unless it has a new voucher. */
const LEFT_ALONE = '1 day'

/** Fees are due when the oldest of them is too old, or when a withdrawal would take their credit. */
async function isRedemptionDue({
  db,
  account,
  redeemAfterMs,
  redeemMin,
}: Omit<SettlementPolicy, 'queues'>): Promise<boolean> {
  const { rowCount } = await db.query(
    `select 1 from ${OWED} and ${REDEEMABLE} > c.redeemed
       and not exists (select 1 from job_run j, jsonb_array_elements(j.result->'failed') failed
         where j.kind = 'redeem' and j.status = 'Succeeded' and j.finished_at > clock_timestamp() - interval '${LEFT_ALONE}'
           and failed->>'channelId' = c.id and failed->>'ceiling' = s.ceiling::text and failed->>'reason' <> 'InsufficientCredit')
       and (${THREATENED} or ${REDEEMABLE} - c.redeemed >= $2 and exists (
         select 1 from receipt r where r.channel_id = c.id and r.cumulative > c.redeemed and r.fee > 0
           and r.answered_at < clock_timestamp() - $3 * interval '1 millisecond'))
     limit 1`,
    [account, redeemMin, redeemAfterMs],
  )
  return rowCount === 1
}

/** The next epoch to be published, when its last block is final: whoever has funded it, later ones wait for it. */
async function endedEpoch({ db }: Pick<SettlementPolicy, 'db'>): Promise<number | undefined> {
  const { rows } = await db.query<{ epoch: number }>(
    `select map.epoch from reward_map map, cursor
     where map.to_block is null and map.status <> 'Published' and map.last_block <= cursor.final_block order by map.epoch limit 1`,
  )
  return rows[0]?.epoch
}

/** Time between the end of a job and the start of the next of its kind with the same input, and the same after one that failed. */
const PAUSE_MS = 60_000
const PAUSE_AFTER_FAILURE_MS = 600_000

/** Starts a job, unless one of its kind is live or has just ended: another epoch need not wait after one that is published, nor other fees after some that were
 *  redeemed, which the job has seen indexed. The key names the job before, so that two workers start one job. */
async function start({ db, queues }: SettlementPolicy, { kind, input }: DueJob): Promise<void> {
  const { rows } = await db.query<{ busy: boolean; last: string }>(
    `select coalesce(bool_or(${IS_LIVE} or finished_at > clock_timestamp() - interval '1 millisecond' *
         case when status <> 'Succeeded' then $3::int when input = $4 and coalesce(result->>'channels', '0') = '0' then $2::int else 0 end), false) as busy,
       coalesce((array_agg(id order by created_at desc, id))[1], 'none') as last
     from job_run where kind = $1`,
    [kind, PAUSE_MS, PAUSE_AFTER_FAILURE_MS, JSON.stringify(input)],
  )
  const { busy, last } = rows[0] ?? { busy: false, last: 'none' }
  if (!busy) await enqueue({ db, queues }, kind, input, { key: `policy after ${last}`, requestedBy: null })
}
