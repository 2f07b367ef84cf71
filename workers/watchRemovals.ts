import type { Logger } from 'pino'
import type { Sql } from '#schema/database.ts'
import { ENDPOINTS_WITH_REMOVED_DATA } from '#schema/offchain/removals.ts'

/** Returns a check that tells in the log, once for each endpoint and again when there are more, that its version learned from removed data. */
export function watchRemovals(db: Sql, log: Logger): () => Promise<void> {
  const told = new Map<string, number>()
  return async () => {
    const { rows } = await db.query(ENDPOINTS_WITH_REMOVED_DATA)
    for (const { endpoint, host, version, value } of rows) {
      const key = `${endpoint}@${version}`
      if ((told.get(key) ?? 0) < value)
        log.warn(
          { endpoint, host, version, contributions: value },
          'the version of an endpoint learned from contributions that were taken down or withdrawn',
        )
      told.set(key, value)
    }
  }
}
