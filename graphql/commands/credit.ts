import { affordableTokensOut, maximumFee, maxPromptTokens } from '#rules/fee.ts'
import { lockCredit } from '#schema/advisoryLocks.ts'
import type { Sql } from '#schema/database.ts'
import { type InferInput, maxTokensOut, promptOf } from '#schema/jobs.ts'
import type { JobRun } from '#schema/offchain/jobs.ts'
import { ApiError } from '../errors.ts'
import { channelFor } from './channel.ts'
import { requireHosted } from './hosted.ts'

interface ReserveOptions {
  /** The hosts whose endpoints are answered here. Without them, only the worker checks it. */
  hosts?: readonly string[]
  /** Whether the job was refused, cancelled or failed before. */
  again?: boolean
}

/** Reserves the maximum cost of a call (rule 7) within a voucher and its channel's credit, in the transaction that creates the job. `again`: in the one
 *  that queues it again, at today's price. A hold outlives its job, so that a key whose job was deleted is not charged twice. A call that costs
 *  nothing needs no channel.
 *  @throws ApiError that names what is missing: the endpoint, a promoted version, a channel, a voucher, or credit. */
export async function reserveCredit(
  sql: Sql,
  job: Pick<JobRun, 'id'>,
  input: InferInput,
  { hosts, again = false }: ReserveOptions = {},
): Promise<void> {
  const { endpointId } = input
  const consumer = input.consumer.toLowerCase()
  await lockCredit(sql, consumer)
  const { host, priceIn, priceOut, version } = await servingEndpoint(sql, endpointId)
  if (hosts) requireHosted(hosts, { id: endpointId, host })
  const price = { priceIn, priceOut }
  const promptTokens = maxPromptTokens(promptOf(input))
  const maximum = maximumFee(price, promptTokens, maxTokensOut(input))
  const channelId = input.channelId?.toLowerCase()
  const affordable = (free: bigint) => affordableTokensOut(price, promptTokens, free)
  const payer =
    maximum > 0n || channelId ? await channelFor(sql, { endpointId, consumer, channelId, maximum, affordable }) : null
  const { rowCount } = await sql.query(
    `insert into credit_hold (id, consumer, endpoint_id, version_id, channel_id, maximum, price_in, price_out, open, created_at)
     values ($1, $2, $3, $9, $4, $5, $6, $7, true, now())
     on conflict (id) do update set version_id = excluded.version_id, channel_id = excluded.channel_id, maximum = excluded.maximum, price_in = excluded.price_in,
       price_out = excluded.price_out, fee = null, open = true, is_settled = false, created_at = excluded.created_at
     where $8 and not credit_hold.open`,
    [job.id, consumer, endpointId, payer, maximum, priceIn, priceOut, again, version],
  )
  if (!rowCount)
    throw new ApiError(
      'IDEMPOTENCY_KEY_REUSED',
      `This idempotency key was used for a call whose job has been deleted since. Query the receipt ${job.id} for its answer, or use a new key.`,
    )
}

interface ServingEndpoint {
  host: string
  priceIn: bigint
  priceOut: bigint
  version: string
}

async function servingEndpoint(sql: Sql, endpointId: string): Promise<ServingEndpoint> {
  const { rows } = await sql.query(
    `select e.host, e.price_in as "priceIn", e.price_out as "priceOut", e.version_id as version, v.status, v.rollback_reason as reason
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
