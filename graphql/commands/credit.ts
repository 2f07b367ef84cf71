import { maximumFee } from '#rules/fee.ts'
import { lockCredit } from '#schema/advisoryLocks.ts'
import type { Sql } from '#schema/database.ts'
import type { InferInput } from '#schema/jobs.ts'
import type { JobRun } from '#schema/offchain/jobs.ts'
import { ApiError } from '../errors.ts'

/** Upper bound for the tokens that a chat template adds. */
const TEMPLATE_TOKENS = 64
/** An upper bound for the input tokens of a prompt: a byte-level tokenizer makes at most one token of each byte. */
export const maxPromptTokens = (prompt: string) => Buffer.byteLength(prompt, 'utf8') + TEMPLATE_TOKENS

/** Reserves the maximum cost of a call (rule 7) within the consumer's voucher and credit, in the transaction that creates the job. `again`: in the one
 *  that queues it again, at today's price. A hold outlives its job, so that a key whose job was deleted is not charged twice.
 *  @throws ApiError that names what is missing: the endpoint, a promoted version, a voucher, or credit. */
export async function reserveCredit(
  sql: Sql,
  job: Pick<JobRun, 'id'>,
  input: InferInput,
  { again = false } = {},
): Promise<void> {
  const consumer = input.consumer.toLowerCase()
  await lockCredit(sql, consumer)
  const { priceIn, priceOut } = await servingPrice(sql, input.endpointId)
  const maximum = maximumFee({ priceIn, priceOut }, maxPromptTokens(input.prompt), input.maxTokens)
  await requireGrant(sql, input.endpointId, consumer, maximum)
  await requireCredit(sql, consumer, maximum)
  const { rowCount } = await sql.query(
    `insert into credit_hold (id, consumer, endpoint_id, maximum, price_in, price_out, open, created_at)
     values ($1, $2, $3, $4, $5, $6, true, now())
     on conflict (id) do update set maximum = excluded.maximum, price_in = excluded.price_in, price_out = excluded.price_out, fee = null,
       open = true, created_at = excluded.created_at
     where $7 and not credit_hold.open`,
    [job.id, consumer, input.endpointId, maximum, priceIn, priceOut, again],
  )
  if (!rowCount)
    throw new ApiError(
      'IDEMPOTENCY_KEY_REUSED',
      `This idempotency key was used for a call whose job has been deleted since. Query the receipt ${job.id} for its answer, or use a new key.`,
    )
}

async function servingPrice(sql: Sql, endpointId: string): Promise<{ priceIn: bigint; priceOut: bigint }> {
  const { rows } = await sql.query(
    `select e.price_in as "priceIn", e.price_out as "priceOut", e.version_id as version, v.status, v.rollback_reason as reason
     from endpoint e left join model_version v on v.id = e.version_id and v.to_block is null
     where e.id = $1 and e.to_block is null`,
    [endpointId],
  )
  const found = rows[0]
  if (!found)
    throw new ApiError(
      'UNKNOWN_ENDPOINT',
      `There is no endpoint ${endpointId}. Query \`endpoints\` for the registered ones.`,
    )
  if (found.status === 'RolledBack')
    throw new ApiError(
      'VERSION_ROLLED_BACK',
      `Endpoint ${endpointId} points at version ${found.version}, which was rolled back (${found.reason ?? 'no reason given'}). Use another endpoint, or ask the host to point it at a promoted version.`,
    )
  if (found.status !== 'Promoted')
    throw new ApiError(
      'VERSION_NOT_PROMOTED',
      `Endpoint ${endpointId} points at version ${found.version}, which is not promoted. Use another endpoint.`,
    )
  return found
}

/** Checks what the newest voucher still grants: its cumulative sum minus the fees of answered calls and the open reservations. */
async function requireGrant(sql: Sql, endpointId: string, consumer: string, maximum: bigint): Promise<void> {
  const { rows } = await sql.query(
    `select s.cumulative, s.used, s.deadline, coalesce(extract(epoch from b.timestamp), 0)::bigint as now,
       (select coalesce(sum(maximum), 0) from credit_hold where endpoint_id = $1 and consumer = $2 and open) as held
     from signed_voucher s left join lateral (select timestamp from block order by number desc limit 1) b on true
     where s.id = $3 for update of s`,
    [endpointId, consumer, `${endpointId}-${consumer}`],
  )
  const voucher = rows[0]
  if (!voucher)
    throw new ApiError(
      'NO_VOUCHER',
      `${consumer} has no voucher for endpoint ${endpointId}. Sign one that grants at least ${maximum} wei and submit it with submitVoucher.`,
    )
  if (voucher.deadline < BigInt(voucher.now))
    throw new ApiError(
      'VOUCHER_EXPIRED',
      `The voucher of ${consumer} for endpoint ${endpointId} expired at ${voucher.deadline} (seconds since 1970). Sign a new one with a later deadline and submit it with submitVoucher.`,
    )
  const committed = voucher.used + voucher.held
  if (committed + maximum > voucher.cumulative)
    throw new ApiError(
      'VOUCHER_TOO_SMALL',
      `This call may cost ${maximum} wei; the voucher grants ${voucher.cumulative}, of which ${committed} are used or reserved. Sign one with a cumulative sum of at least ${committed + maximum} and submit it with submitVoucher.`,
    )
}

/** Checks the consumer's free credit: the on-chain balance minus pending withdrawals, unredeemed fees and open reservations. */
async function requireCredit(sql: Sql, consumer: string, maximum: bigint): Promise<void> {
  const { rows } = await sql.query(
    `select coalesce((select balance - withdrawing from credit where id = $1 and to_block is null), 0) as balance,
       (select coalesce(sum(maximum), 0) from credit_hold where consumer = $1 and open) as held,
       (select coalesce(sum(greatest(s.used - coalesce(v.cumulative, 0), 0)), 0) from signed_voucher s
          left join voucher v on v.id = s.id and v.to_block is null where s.consumer = $1) as owed`,
    [consumer],
  )
  const { balance, held, owed } = rows[0] as { balance: bigint; held: bigint; owed: bigint }
  const free = balance - held - owed
  if (free < maximum)
    throw new ApiError(
      'NOT_ENOUGH_CREDIT',
      `This call may cost ${maximum} wei; ${consumer} has ${free} free (credit ${balance}, ${held} reserved, ${owed} owed). Deposit at least ${maximum - free} wei more, or request fewer tokens.`,
    )
}
