import { existsSync } from 'node:fs'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { QueryRunner } from 'typeorm'
import { type Config, ConfigError, readConfig } from '#config'
import { dumpFileOf } from '#contracts/chainState.ts'
import { ArtifactError, folderObjects } from '#schema/artifacts/index.ts'
import type { Database, Sql } from '#schema/database.ts'
import { tables } from '#schema/entities.ts'
import { answerJournal, JOURNAL_PREFIX } from '#schema/journal/answers.ts'
import { SealError } from '#schema/journal/seal.ts'
import { COMPATIBILITY_TABLE, migrate } from '#schema/migrate.ts'
import { migrations } from '#schema/migrations/index.ts'
import { untilAborted } from '#schema/untilAborted.ts'
import { replayAnswers } from '#workers/replayAnswers.ts'
import { embeddedChainFiles } from '../configuredChain.ts'
import { markRestored, markRestoring } from '../homeVersion.ts'
import { interruptible } from '../interruption.ts'
import { journalKeys } from '../journalKeys.ts'
import { lockHome } from '../lockHome.ts'
import { openObjects } from '../openArtifacts.ts'
import { onServer } from '../withDatabase.ts'
import { type BackupManifest, CHAIN, DEPLOYMENT, damaged, OBJECTS, readBackup } from './manifest.ts'
import { copyObject } from './objects.ts'
import { loadTable } from './tables.ts'

export interface RestoreOptions {
  /** Replaces what is there. */
  force?: boolean
  /** Whether the answers of after the backup are brought back; by default they are. */
  journal?: boolean
}

/** Tables beside those of the entities. */
const OWN_TABLES = ['migration', 'schema_compatibility']
/** Tables that a release before had. A database that it left, or a backup, may have them. */
const FORMER_TABLES = ['credit', 'voucher', 'usage_settlement']
const OUR_TABLES = [...tables.map(({ table }) => table), ...OWN_TABLES, ...FORMER_TABLES]

/** `modelcommons restore`: puts a backup into the configured database and object store. The database changes in one transaction: it has all of the
 *  backup, or what it had before. @throws ConfigError when the backup cannot be used, when the target has rows, or when services use it. */
export const restore = (from: string, { force = false, journal = true }: RestoreOptions): Promise<void> =>
  interruptible(async (signal) => {
    const config = readConfig(process.env, { requireDeployment: false })
    const folder = resolve(from)
    const manifest = await readBackup(folder)
    const known = migrationsOf(manifest)
    const release = await lockHome(config.home)
    let answers = 0
    try {
      const { stateFile } = embeddedChainFiles(config.home)
      const hasChain = manifest.files.some(({ path }) => path.startsWith(`${CHAIN}/`)) && !config.rpcUrl
      if (hasChain && existsSync(stateFile) && !force)
        throw new ConfigError(
          `MODELCOMMONS_HOME: ${config.home} has a chain. Name an empty folder, or replace all with --force.`,
        )
      await onServer(config, async (db) => {
        await requireTarget(db, force)
        await untilAborted(restoreObjects(config, folder, manifest), signal)
        // PostgreSQL rolls back what a broken connection has begun; closing the database would wait for the commit.
        signal.addEventListener('abort', () => db.breakConnections(), { once: true })
        const marked = hasChain && (await markRestoring(config.home, folder))
        await untilAborted(
          db.transaction((sql) => restoreDatabase(sql, folder, manifest, known)),
          signal,
        ).catch(async (error) => {
          if (!marked && !signal.aborted) await markRestored(config.home) // nothing has changed
          throw error
        })
        await migrate(db.url)
        if (hasChain) await setJournalAside(config)
        else if (journal) answers = await untilAborted(bringAnswersBack(config, db, new Date(manifest.takenAt)), signal)
      })
      if (hasChain) {
        await restoreChain(config, folder)
        await markRestored(config.home)
      }
    } finally {
      await release()
    }
    const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0)
    console.log(
      `Restored ${rows} rows of ${manifest.takenAt} (release ${manifest.release}), the index up to block ${manifest.block ?? '–'}, ${manifest.objects.length} objects.`,
    )
    if (answers) console.log(`${answers} answers of after the backup are back from the journal.`)
    if (config.rpcUrl) console.log(`The deployment file of the backup: ${join(folder, DEPLOYMENT)}`)
  })

/** The backup's migrations, with which its tables are created. @throws ConfigError when a newer release wrote it. */
function migrationsOf(manifest: BackupManifest) {
  const known = new Map(migrations.map((migration) => new migration()).map((one) => [one.name, one]))
  return manifest.migrations.map((name) => {
    const migration = known.get(name)
    if (!migration)
      throw new ConfigError(
        `This backup is of release ${manifest.release}, which has the migration ${name}. Restore it with that release or a later one.`,
      )
    return migration
  })
}

async function requireTarget(db: Database, force: boolean): Promise<void> {
  const { rows } = await db.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public'`,
  )
  const foreign = rows.find(({ name }) => !OUR_TABLES.includes(name))
  if (foreign)
    throw new ConfigError(
      `DATABASE_URL: the database has the table ${foreign.name} of another program. Name a database of its own.`,
    )
  const users = await db.query<{ name: string }>(
    `select distinct application_name as name from pg_stat_activity
     where datname = current_database() and application_name like 'modelcommons %' and pid <> pg_backend_pid()`,
  )
  if (users.rows.length)
    throw new ConfigError(
      `DATABASE_URL: ${users.rows.map(({ name }) => name.replace('modelcommons ', '')).join(', ')} use the database. Stop the services first.`,
    )
  if (force) return
  for (const { name } of rows.filter((one) => !OWN_TABLES.includes(one.name)))
    if ((await db.query(`select 1 from "${name}" limit 1`)).rowCount)
      throw new ConfigError(
        `DATABASE_URL: the database has rows (${name}). Name an empty database, or replace all with --force.`,
      )
}

async function restoreDatabase(
  sql: Sql,
  folder: string,
  manifest: BackupManifest,
  known: ReturnType<typeof migrationsOf>,
) {
  const functions = await sql.query<{ name: string }>(
    `select distinct tgfoid::regprocedure::text as name from pg_trigger join pg_class c on c.oid = tgrelid
     where not tgisinternal and c.relnamespace = 'public'::regnamespace and c.relname = any($1)`,
    [OUR_TABLES],
  )
  for (const table of OUR_TABLES) await sql.query(`drop table if exists "${table}" cascade`)
  for (const { name } of functions.rows) await sql.query(`drop function if exists ${name}`)
  await sql.query('drop schema if exists bullmq cascade') // entries of other jobs
  await sql.query('create table migration (id serial primary key, timestamp bigint not null, name varchar not null)')
  await sql.query(COMPATIBILITY_TABLE)
  // Inside a transaction an index cannot be created concurrently, and on an empty table it need not be.
  const query = async (text: string, values?: unknown[], structured?: boolean) => {
    const { rows } = await sql.query(text.replace(/\bconcurrently\b/gi, ''), values)
    return structured ? { records: rows } : rows
  }
  for (const migration of known) await migration.up({ query } as unknown as QueryRunner) // migrations use nothing else
  for (const table of manifest.tables) {
    await sql.query(`truncate "${table.name}"`)
    await loadTable(sql, folder, table)
    const { rows } = await sql.query(`select count(*) as count from "${table.name}"`)
    if (Number(rows[0].count) !== table.rows) throw damaged(folder, table.file.path)
  }
  await sql.query(
    `select setval(pg_get_serial_sequence('migration', 'id'), greatest(1, (select max(id) from migration)))`,
  )
}

async function restoreObjects(config: Config, folder: string, manifest: BackupManifest): Promise<void> {
  const to = await openObjects(config)
  const from = folderObjects(join(folder, OBJECTS))
  const missing: string[] = []
  for (const { key, bytes } of manifest.objects) {
    const stored = manifest.objectsIncluded
      ? await copyObject(from, to, key, config.home).catch((cause) => {
          throw cause instanceof ArtifactError ? damaged(folder, `${OBJECTS}: ${key}`) : cause
        })
      : await to.size(key)
    if (stored !== bytes) missing.push(key)
  }
  if (!missing.length) return
  if (manifest.objectsIncluded) throw damaged(folder, `${OBJECTS}: ${missing[0]}`)
  throw new ConfigError(
    `S3_BUCKET: ${missing.length} of ${manifest.objects.length} objects of the backup are not in ${to.where}, such as ${missing[0]}. Name the bucket that has them, or restore a backup with --with-objects.`,
  )
}

/** @throws SealError when the journal was sealed by another key. */
async function bringAnswersBack(config: Config, db: Database, since: Date): Promise<number> {
  const journal = answerJournal(await openObjects(config), await journalKeys(config))
  try {
    return await replayAnswers({ db, journal }, since)
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause
    throw new SealError(
      `The backup is restored, but not the answers of after it: ${cause.message} Then restore again with --force, or give these answers up with --no-journal.`,
      { cause },
    )
  }
}

/** A chain that goes back with the database takes its consumers' credit with it: the answers of after the backup were paid on a chain that is
 *  no more. They are kept, but not in the place where workers look. */
async function setJournalAside({ artifacts, home }: Config): Promise<void> {
  const folder = join(artifacts, JOURNAL_PREFIX)
  if (existsSync(folder)) await rename(folder, join(home, `journal-before-${Date.now()}`))
}

async function restoreChain(config: Config, folder: string): Promise<void> {
  const { stateFile, deploymentFile } = embeddedChainFiles(config.home)
  await rm(config.chainCache, { recursive: true, force: true }) // blocks of another chain
  await mkdir(dirname(stateFile), { recursive: true })
  await rm(dumpFileOf(stateFile), { force: true }) // of the chain that is replaced
  await copyFile(join(folder, CHAIN, 'state.json'), stateFile)
  await copyFile(join(folder, DEPLOYMENT), deploymentFile)
}
