import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, openDatabase } from '#schema/database.ts'
import { tables } from '#schema/entities.ts'
import { isRetriable } from '#schema/errors.ts'
import { migrate } from '#schema/migrate.ts'
import { startPostgres } from '#schema/postgres.ts'
import { HostPool } from './hostPool.ts'

/** What simulations use, one after another: their own PostgreSQL and indexer processes, all of which may be killed. The index under test is
 *  in the schema `public`, and the clean sync in the schema `clean` of the same database. */
export interface Environment {
  /** The database of the index under test. */
  url: string
  /** The schema `public`; every statement is retried while the server is down. */
  db: Database
  clean: Database
  hosts: HostPool
  /** Empties both schemas. */
  empty(): Promise<void>
  /** Kills PostgreSQL: either one of its processes, after which it ends all others and recovers, or the whole server, which is then restarted. */
  crash(whole: boolean): Promise<void>
  close(): Promise<void>
}

const FLAGS = { fsync: 'off', autovacuum: 'off', checkpoint_timeout: '1h' }

export async function openEnvironment(): Promise<Environment> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-simulator-'))
  const server = await startPostgres(folder, { flags: FLAGS })
  const hosts = new HostPool()
  await migrate(server.url)
  const cleanUrl = new URL(server.url)
  cleanUrl.searchParams.set('options', '-c search_path=clean')
  const db = withRetries(await openDatabase(server.url, { name: 'simulator', max: 2 }))
  await db.query('create schema clean')
  for (const { table } of tables) await db.query(`create table clean."${table}" (like public."${table}" including all)`)
  const clean = await openDatabase(cleanUrl.href, { name: 'clean', max: 3 })
  return {
    url: server.url,
    db,
    clean,
    hosts,
    async empty() {
      const { rows } = await db.query(FILLED)
      if (rows.length) await db.query(`truncate ${rows.map(({ name }) => name).join(', ')}`)
    },
    async crash(whole) {
      const pid = Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
      const { rows } = await db.query(
        `select pid from pg_stat_activity where application_name = 'indexer-under-test' limit 1`,
      )
      process.kill(whole || !rows[0] ? pid : rows[0].pid, 'SIGKILL')
      if (whole || !rows[0]) while (!(await server.revive())) await sleep(20)
    },
    async close() {
      await hosts.stop()
      await db.close()
      await clean.close()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The tables of both schemas that hold rows. */
const FILLED = ['public', 'clean']
  .flatMap((schema) => tables.map(({ table }) => `${schema}."${table}"`))
  .map((name) => `select '${name}' as name where exists (select 1 from ${name})`)
  .join(' union all ')

const RETRY_TIMEOUT_MS = 15_000

/** The same database; statements are retried while the server is down. */
function withRetries(db: Database): Database {
  const query = async (text: never, values: never) => {
    for (const began = performance.now(); ; await sleep(10)) {
      try {
        return await db.query(text, values)
      } catch (error) {
        if (!isRetriable(error) || performance.now() - began > RETRY_TIMEOUT_MS) throw error
      }
    }
  }
  return { ...db, query: query as Database['query'] }
}
