import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { withMigrationLock } from './advisoryLocks.ts'
import { openDatabase, type Sql, sessionConfig } from './database.ts'
import { dataSource } from './dataSource.ts'
import { PermanentError, RetriableError } from './errors.ts'
import { type Migration, migrations } from './migrations/index.ts'

/** The schema of the database, and whether this program may use it. `docs/upgrades.md` describes the rule for migrations. */

/** A migration waits this long for a table that a statement uses. Longer, and the readers that queue behind it would wait, too. */
const LOCK_TIMEOUT_MS = 3_000
const LOCK_TRIES = 30
/** SQLSTATE lock_not_available: `lock_timeout` has passed. */
const LOCK_NOT_AVAILABLE = '55P03'

const known = migrations.map((migration) => new migration())

/** The database was migrated by a newer release, and that change does not allow this one beside it. */
export class SchemaTooNewError extends PermanentError {
  override name = 'SchemaTooNewError'
}

/** Brings the database at `url` to the schema of this program, unless it is there already, or newer in a compatible way. Every service calls it
 *  at its start; one process migrates, and the others wait for it. Readers of the tables go on meanwhile.
 *  @returns the names of the migrations that ran. @throws DatabaseError when no server answers; SchemaTooNewError when a newer release has
 *  changed the schema so that this program must not use it; RetriableError when statements of others hold a table for too long. */
export async function migrate(url: string): Promise<string[]> {
  const db = await openDatabase(url, { max: 1, name: 'modelcommons migrate' })
  try {
    if ((await pendingMigrations(db)).length === 0) return []
  } finally {
    await db.close()
  }
  const session = new pg.Client(sessionConfig(url))
  session.on('error', () => {}) // reported by the statement that follows
  await session.connect()
  try {
    return await withMigrationLock(session, async () => {
      const missing = await pendingMigrations(session) // another process may have migrated meanwhile
      if (missing.length) {
        await recordRequired(session)
        await run(url)
      }
      return missing.map(({ name }) => name)
    })
  } finally {
    await session.end().catch(() => {})
  }
}

/** The migrations that the database lacks. @throws SchemaTooNewError when it has one that this program must know and does not. */
export async function pendingMigrations(sql: Pick<Sql, 'query'>): Promise<Migration[]> {
  const names = new Set(known.map(({ name }) => name))
  const [table, state] = await Promise.all([exists(sql, 'migration'), exists(sql, 'schema_compatibility')])
  if (!table) return known
  const { rows } = await sql.query<{ name: string }>('select name from migration order by id')
  const unknown = rows.filter(({ name }) => !names.has(name))
  const required = state && (await sql.query('select required from schema_compatibility')).rows[0]?.required
  if (unknown.length && (!required || !names.has(required)))
    throw new SchemaTooNewError(
      `DATABASE_URL: a newer release has migrated this database (${unknown.at(-1)?.name}), and this one cannot use it. Install that release or a later one, or restore a backup.`,
    )
  const applied = new Set(rows.map(({ name }) => name))
  const missing = known.filter(({ name }) => !applied.has(name))
  if (unknown.length && missing.length)
    throw new SchemaTooNewError(
      `DATABASE_URL: this database has the migration ${unknown.at(-1)?.name}, which this program does not know, but lacks ${missing[0]?.name}. Install the newest release.`,
    )
  return missing
}

const exists = async (sql: Pick<Sql, 'query'>, table: string): Promise<boolean> =>
  (await sql.query('select to_regclass($1) is not null as found', [table])).rows[0].found

export const COMPATIBILITY_TABLE = 'create table if not exists schema_compatibility (required text not null)'

/** Writes, before the migrations run, which migration a program must know to use the result: the last that is not `compatible`. */
async function recordRequired(sql: Pick<Sql, 'query'>): Promise<void> {
  const required = known.findLast(({ compatible }) => !compatible)?.name
  await sql.query(COMPATIBILITY_TABLE)
  const { rowCount } = await sql.query('update schema_compatibility set required = $1', [required])
  if (!rowCount) await sql.query('insert into schema_compatibility values ($1)', [required])
}

/** Runs what is missing, each migration in a transaction of its own. */
async function run(url: string): Promise<void> {
  const extra = sessionConfig(url, { lock_timeout: String(LOCK_TIMEOUT_MS) })
  const source = await dataSource(url).setOptions({ extra }).initialize()
  try {
    for (let attempt = 1; ; attempt++)
      try {
        await source.runMigrations()
        return
      } catch (cause) {
        if ((cause as { code?: unknown }).code !== LOCK_NOT_AVAILABLE) throw cause
        if (attempt === LOCK_TRIES)
          throw new RetriableError(
            'DATABASE_URL: the migration did not get a lock on a table, because long statements or open transactions use it. See pg_stat_activity, end them, and start again.',
            { cause },
          )
        await sleep(1000) // the readers that waited behind the migration go first
      }
  } finally {
    await source.destroy()
  }
}
