import type { Sql } from '#schema/database.ts'
import type { InferInput } from '#schema/jobs.ts'
import type { JobRun } from '#schema/offchain/jobs.ts'
import type { Caller } from '../access.ts'
import type { ApiDeployment } from '../context.ts'
import { ApiError } from '../errors.ts'
import { reserveCredit } from './credit.ts'
import { requireMayCall } from './endpointCallers.ts'
import { countForKey } from './keyRate.ts'
import { requireCounted } from './liveCalls.ts'

interface Payer {
  caller: Caller
  deployment: Pick<ApiDeployment, 'hosts'>
}

/** Checks that the consumer may call the endpoint, counts the call among those of its consumer and of its key, and reserves what it may cost, of the consumer’s credit and of what its key may spend, in the transaction
 *  that creates the job.
 *  @throws ApiError that names what is missing. */
export async function payFor(
  sql: Sql,
  job: Pick<JobRun, 'id'>,
  input: InferInput,
  { caller, deployment: { hosts = [] } }: Payer,
): Promise<void> {
  const consumer = input.consumer.toLowerCase()
  await requireMayCall(sql, { endpointId: input.endpointId, consumer }, caller)
  await requireCounted(sql, consumer)
  if (caller.kind === 'key') await countForKey(sql, job.id, caller, input)
  await reserveCredit(sql, job, input, { hosts }) // it locks the consumer’s credit: calls of one key follow each other
  if (caller.kind === 'key' && caller.spendCap != null) await requireBelowCap(sql, caller.id, caller.spendCap)
}

/** All that a key’s calls cost, those under way at most. */
export const SPENT = `(select coalesce(sum(coalesce(h.fee, case when h.open then h.maximum end)), 0)
  from key_call c join credit_hold h on h.id = c.id where c.key_id = $key)`

async function requireBelowCap(sql: Sql, key: string, cap: bigint): Promise<void> {
  const { rows } = await sql.query<{ spent: string | bigint }>(`select ${SPENT.replace('$key', '$1')} as spent`, [key])
  const spent = BigInt(rows[0]?.spent ?? 0)
  if (spent > cap)
    throw new ApiError(
      'SPEND_CAP_REACHED',
      `With this call your key could have spent ${spent} wei; it may spend ${cap}. Ask for fewer tokens, or make a key that may spend more.`,
    )
}
