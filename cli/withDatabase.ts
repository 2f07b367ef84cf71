import { join } from 'node:path'
import type { Config } from '#config'
import { type Database, openDatabase } from '#schema/database.ts'
import { migrate } from '#schema/migrate.ts'
import { startPostgres } from '#schema/postgres.ts'
import { untilAborted } from '#schema/untilAborted.ts'
import { interruptible } from './interruption.ts'

/** Runs `work` on the configured database, or on the embedded one, which is started if it is not running. */
export const withDatabase = <T>(config: Config, work: (db: Database) => Promise<T>): Promise<T> =>
  interruptible((signal) => onDatabase(config, (db) => untilAborted(work(db), signal)))

/** Like `withDatabase`, for commands that handle interruptions themselves. */
export const onDatabase = <T>(config: Config, work: (db: Database) => Promise<T>): Promise<T> =>
  onServer(config, async (db) => {
    await migrate(db.url)
    return work(db)
  })

/** Like `onDatabase`, with the database as it is. */
export async function onServer<T>(config: Config, work: (db: Database) => Promise<T>): Promise<T> {
  const server = config.databaseUrl ? undefined : await startPostgres(join(config.home, 'postgres'))
  try {
    const url = config.databaseUrl ?? (server as { url: string }).url
    const db = await openDatabase(url)
    try {
      return await work(db)
    } finally {
      await db.close()
    }
  } finally {
    if (server && !server.adopted) await server.stop()
  }
}
