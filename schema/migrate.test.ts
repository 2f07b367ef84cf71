import { expect, test } from 'vitest'
import { databaseWith, freshDatabase } from '#test/database.ts'
import type { Database } from './database.ts'
import { schemaDrift } from './dataSource.ts'
import { migrate, SchemaTooNewError } from './migrate.ts'
import { JobTrace } from './migrations/0011-JobTrace.ts'
import { migrations } from './migrations/index.ts'

const addMigration = (db: Database, name: string) =>
  db.query('insert into migration (timestamp, name) values (1800000000000, $1)', [name])

test('of many processes that start on an empty database at once, one migrates', async () => {
  const db = await databaseWith(0)
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
  const before = migrations.indexOf(JobTrace) // it changes `job_run`
  const db = await databaseWith(before)
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
  expect(await migrating).toHaveLength(migrations.length - before)
  expect(await schemaDrift(db.url)).toEqual([])
})
