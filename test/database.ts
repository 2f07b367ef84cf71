import { randomBytes } from 'node:crypto'
import { inject, onTestFinished } from 'vitest'
import { type Database, openDatabase } from '#schema/database.ts'
import { ensureDatabase } from '#schema/postgres.ts'
import { databaseUrl } from './postgres.setup.ts'

/** The URL of a fresh database of the run's real PostgreSQL, with the newest schema and no rows. */
export async function freshDatabaseUrl(): Promise<string> {
  const server = inject('postgresUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  await ensureDatabase(server, name, 'template')
  return databaseUrl(server, name)
}

/** Opens a fresh database for one test, closed when the test is over. */
export async function freshDatabase(): Promise<Database> {
  const database = await openDatabase(await freshDatabaseUrl())
  onTestFinished(() => database.close())
  return database
}
