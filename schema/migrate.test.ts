import { randomBytes } from 'node:crypto'
import { expect, inject, onTestFinished, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { databaseUrl } from '#test/postgres.setup.ts'
import { type Database, openDatabase } from './database.ts'
import { dataSource, schemaDrift } from './dataSource.ts'
import { migrate, SchemaTooNewError } from './migrate.ts'
import { migrations } from './migrations/index.ts'
import { ensureDatabase } from './postgres.ts'

async function emptyDatabase(migrated = 0): Promise<Database> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await ensureDatabase(inject('postgresUrl'), name)
  const url = databaseUrl(inject('postgresUrl'), name)
  if (migrated) {
    const source = await dataSource(url)
      .setOptions({ migrations: migrations.slice(0, migrated) })
      .initialize()
    await source.runMigrations()
    await source.destroy()
  }
  const db = await openDatabase(url)
  onTestFinished(() => db.close())
  return db
}

const addMigration = (db: Database, name: string) =>
  db.query('insert into migration (timestamp, name) values (1800000000000, $1)', [name])

test('of many processes that start on an empty database at once, one migrates', async () => {
  const db = await emptyDatabase()
  const ran = await Promise.all(Array.from({ length: 6 }, () => migrate(db.url)))
  expect(ran.filter((names) => names.length)).toEqual([migrations.map((one) => new one().name)])
  expect(await schemaDrift(db.url)).toEqual([])
  expect((await db.query(`select count(*) from migration`)).rows[0].count).toBe(migrations.length)
})

test('a database of a newer release is refused, unless that release says that this one may go on', async () => {
  const db = await freshDatabase()
  expect(await migrate(db.url)).toEqual([])
  await addMigration(db, 'NextYear1800000000000')
  expect(await migrate(db.url)).toEqual([]) // compatible: what a program must know did not change
  await db.query(`update schema_compatibility set required = 'NextYear1800000000000'`)
  const refused = migrate(db.url)
  await expect(refused).rejects.toThrow(SchemaTooNewError)
  await expect(refused).rejects.toThrow(
    'DATABASE_URL: a newer release has migrated this database (NextYear1800000000000), and this one cannot use it.',
  )
  await db.query('drop table schema_compatibility') // written by a release that did not have the rule
  await expect(migrate(db.url)).rejects.toThrow(SchemaTooNewError)
})

test('a database of another branch, with a migration more and one less, is refused', async () => {
  const db = await freshDatabase()
  await addMigration(db, 'Other1800000000000')
  await db.query('delete from migration where name = $1', [migrations.map((one) => new one().name).at(-1)])
  await expect(migrate(db.url)).rejects.toThrow(/which this program does not know, but lacks/)
})

test('a migration that waits for a long reader keeps no other reader waiting, and goes on when the first has ended', async () => {
  const db = await emptyDatabase(migrations.length - 2)
  const long = await db.pool.connect()
  await long.query('begin')
  await long.query('select count(*) from job_run') // its lock lasts until the transaction ends
  let done = false
  const migrating = migrate(db.url).then((names) => {
    done = true
    return names
  })
  const waits = async () =>
    (await db.query(`select 1 from pg_locks where not granted and relation = 'job_run'::regclass`)).rowCount
  while (!(await waits())) expect(done).toBe(false)
  const began = performance.now()
  await db.query('select count(*) from job_run') // queues behind the migration until its lock_timeout
  expect(performance.now() - began).toBeLessThan(10_000)
  expect(done).toBe(false)
  await long.query('commit')
  long.release()
  expect(await migrating).toHaveLength(2)
  expect(await schemaDrift(db.url)).toEqual([])
})
