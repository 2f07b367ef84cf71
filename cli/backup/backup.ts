import { existsSync } from 'node:fs'
import { copyFile, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, ConfigError, readConfig } from '#config'
import { ArtifactError, folderObjects } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { RetriableError } from '#schema/errors.ts'
import { untilAborted } from '#schema/untilAborted.ts'
import { VERSION } from '#schema/version.ts'
import { embeddedChainFiles } from '../configuredChain.ts'
import { interruptible } from '../interruption.ts'
import { openObjects } from '../openArtifacts.ts'
import { onDatabase } from '../withDatabase.ts'
import { type BackupManifest, CHAIN, DEPLOYMENT, describeFile, FORM, MANIFEST, OBJECTS } from './manifest.ts'
import { copyObject, keysOf } from './objects.ts'
import { dumpTables } from './tables.ts'

export interface BackupOptions {
  out: string
  /** Also copies the objects of a bucket; those of a folder are always copied. */
  withObjects?: boolean
}

/** `modelcommons backup`: writes one consistent snapshot of the database, and after it the objects, which the rows of the snapshot name; the
 *  services may run. @throws ConfigError when the folder exists. */
export const backup = (options: BackupOptions): Promise<void> =>
  interruptible(async (signal) => {
    const config = readConfig(process.env, { requireDeployment: false })
    const out = resolve(options.out)
    if (existsSync(out)) throw new ConfigError(`--out: ${out} exists. Name a folder that does not exist yet.`)
    const part = `${out}.${process.pid}.part`
    try {
      await mkdir(part, { recursive: true })
    } catch (cause) {
      throw new ConfigError(`--out: cannot write ${out} (${(cause as Error).message}).`, { cause })
    }
    try {
      const manifest = await onDatabase(config, (db) => untilAborted(write(db, config, part, options), signal))
      await rename(part, out)
      const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0)
      const { objects, objectsIncluded, block } = manifest
      console.log(
        `Backup ${out}: ${rows} rows of ${manifest.tables.length} tables, index up to block ${block ?? '–'}, ${objects.length} objects${objectsIncluded ? '' : ' listed, not copied (--with-objects copies them)'}.`,
      )
    } finally {
      await rm(part, { recursive: true, force: true })
    }
  })

async function write(
  db: Database,
  config: Config,
  folder: string,
  { withObjects }: BackupOptions,
): Promise<BackupManifest> {
  const snapshot = await db.transaction(async (sql) => {
    const one = async (query: string) => (await sql.query(query)).rows[0]
    const { taken, at } = await one(
      'select clock_timestamp()::text as taken, extract(epoch from clock_timestamp()) as at',
    )
    const cursor = await one('select id, block from cursor order by id limit 1')
    const root = await one('select root from state_root where to_block is null order by from_block desc limit 1')
    const migrations = (await sql.query<{ name: string }>('select name from migration order by id')).rows
    return {
      at: Number(at),
      taken: String(taken),
      chainId: cursor ? Number(cursor.id) : null,
      block: cursor ? Number(cursor.block) : null,
      stateRoot: root ? String(root.root) : null,
      migrations: migrations.map(({ name }) => name),
      tables: await dumpTables(sql, folder),
    }
  }, 'repeatable read')
  const objectsIncluded = withObjects || !config.s3
  const { taken, at, ...described } = snapshot
  const manifest: BackupManifest = {
    form: FORM,
    release: VERSION,
    takenAt: taken,
    ...described,
    objects: await saveObjects(config, folder, objectsIncluded),
    objectsIncluded,
    files: await saveFiles(config, folder),
  }
  await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`)
  return manifest
}

/** Artifacts are stored before the rows that name them, so those of the snapshot are there now. */
async function saveObjects(config: Config, folder: string, copy: boolean): Promise<BackupManifest['objects']> {
  const from = await openObjects(config)
  const to = folderObjects(join(folder, OBJECTS))
  const found: BackupManifest['objects'] = []
  for (const key of await keysOf(from)) {
    const bytes = copy ? await copyObject(from, to, key, folder).catch(leaveOutCorrupt) : await from.size(key)
    if (bytes !== undefined) found.push({ key, bytes })
  }
  return found
}

/** An artifact that is corrupt already must not prevent the backup of all others. */
function leaveOutCorrupt(error: unknown): undefined {
  if (!(error instanceof ArtifactError && error.code === 'corrupt')) throw error
  console.error(`Left out of the backup: ${error.message}`)
}

const CHAIN_WRITE_TIMEOUT_MS = 30_000

/** The deployment file; of an embedded chain also its state, in a form that is at least as new as the snapshot. */
async function saveFiles(config: Config, folder: string): Promise<BackupManifest['files']> {
  const files: BackupManifest['files'] = []
  const { stateFile, deploymentFile, urlFile } = embeddedChainFiles(config.home)
  const deployment = config.rpcUrl ? config.deployment : deploymentFile
  if (deployment && existsSync(deployment)) {
    await copyFile(deployment, join(folder, DEPLOYMENT))
    files.push(await describeFile(folder, DEPLOYMENT))
  }
  if (config.rpcUrl || !existsSync(stateFile)) return files
  const running = existsSync(urlFile)
  const since = Date.now()
  const target = `${CHAIN}/state.json`
  await mkdir(join(folder, CHAIN))
  for (let waited = 0; running && (await stat(stateFile)).mtimeMs <= since; waited += 200) {
    if (waited > CHAIN_WRITE_TIMEOUT_MS)
      throw new RetriableError(
        'The embedded chain has not written its state for too long. Try again, or stop `modelcommons up` first.',
      )
    await sleep(200)
  }
  await copyFile(stateFile, join(folder, target))
  return [...files, await describeFile(folder, target)]
}
