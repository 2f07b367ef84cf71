import { randomBytes } from 'node:crypto'
import { inject, onTestFinished } from 'vitest'
import { type Database, openDatabase } from '#schema/database.ts'
import { dataSource } from '#schema/dataSource.ts'
import { migrations } from '#schema/migrations/index.ts'
import { ensureDatabase } from '#schema/postgres.ts'
import { databaseUrl } from './postgres.setup.ts'

async function createDatabase(template?: string): Promise<string> {
  const server = inject('postgresUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  await ensureDatabase(server, name, template)
  return databaseUrl(server, name)
}

async function openForTest(url: string): Promise<Database> {
  const database = await openDatabase(url)
  onTestFinished(() => database.close())
  return database
}

/** The URL of a fresh database of the run's real PostgreSQL, with the newest schema and no rows. */
export const freshDatabaseUrl = (): Promise<string> => createDatabase('template')

/** Opens a fresh database for one test, closed when the test is over. */
export const freshDatabase = async (): Promise<Database> => openForTest(await freshDatabaseUrl())

/** Like `freshDatabase`, with the schema of the first `count` migrations. */
export async function databaseWith(count: number): Promise<Database> {
  const url = await createDatabase()
  const source = dataSource(url).setOptions({ migrations: migrations.slice(0, count) })
  if (count) {
    await source.initialize()
    await source.runMigrations()
    await source.destroy()
  }
  return openForTest(url)
}
