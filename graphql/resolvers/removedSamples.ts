import type { Sql } from '#schema/database.ts'
import { SAMPLE_REMOVED } from '#schema/offchain/removals.ts'
import { ApiError } from '../errors.ts'

/** @throws ApiError when this is the name of a sample that was taken down or withdrawn. */
export async function requirePresent(db: Sql, name: string): Promise<void> {
  const { rows } = await db.query<{ removed: boolean }>(`select ${SAMPLE_REMOVED} as removed`, [name])
  if (rows[0]?.removed)
    throw new ApiError(
      'SAMPLE_REMOVED',
      'This sample was taken down or withdrawn, and is served no more. `takedowns` and `dataWithdrawals` say why.',
    )
}
