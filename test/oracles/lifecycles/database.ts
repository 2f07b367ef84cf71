import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '#schema/database.ts'
import { migrate } from '#schema/migrate.ts'
import { startPostgres } from '#schema/postgres.ts'

/** Calls `work` with the database of a PostgreSQL server of its own, which is deleted afterwards. */
export async function withLifecycleDatabase(work: (db: Database) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-lifecycles-'))
  const server = await startPostgres(folder, { flags: { fsync: 'off', autovacuum: 'off' } })
  try {
    await migrate(server.url)
    const db = await openDatabase(server.url)
    await work(db).finally(() => db.close())
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
