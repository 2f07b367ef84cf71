import { lockCredit } from '#schema/advisoryLocks.ts'
import type { Sql } from '#schema/database.ts'
import { IS_LIVE } from '#schema/offchain/jobs.ts'
import { ApiError } from '../errors.ts'

/** Calls of one consumer that wait or run at the same time. Free calls need no credit: without a limit, one key could fill the queue and the database. */
export const MAX_LIVE_CALLS = 256

/** How many calls a consumer (lower case) has under way. */
export async function liveCalls(sql: Sql, consumer: string): Promise<number> {
  const { rows } = await sql.query<{ count: bigint }>(
    `select count(*) as count from job_run where kind = 'infer' and ${IS_LIVE} and lower(input->>'consumer') = $1`,
    [consumer],
  )
  return Number(rows[0]?.count ?? 0)
}

/** Counts a call in the transaction that creates its job. Calls of one consumer follow each other, so that calls at the same time do not exceed the limit.
 *  @throws ApiError when the consumer has too many calls under way */
export async function requireCounted(sql: Sql, consumer: string): Promise<void> {
  await lockCredit(sql, consumer)
  requireRoom((await liveCalls(sql, consumer)) - 1, 1)
}

/** @throws ApiError when the consumer has too many calls under way */
export function requireRoom(live: number, wanted: number): void {
  if (live + wanted <= MAX_LIVE_CALLS) return
  throw new ApiError(
    'TOO_MANY_CALLS',
    `${live} calls of this consumer wait or run; at most ${MAX_LIVE_CALLS} may. Wait until one has ended.`,
  )
}
