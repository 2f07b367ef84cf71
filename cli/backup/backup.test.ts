import { randomBytes } from 'node:crypto'
import { appendFile, chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { startIndexer } from '#indexer/index.ts'
import { type TestChain, testChain } from '#indexer/test/chain.ts'
import { until } from '#indexer/test/follow.ts'
import { noise, prepareNoise, seededInts } from '#indexer/test/noise.ts'
import { localStore, s3Store } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { schemaDrift } from '#schema/dataSource.ts'
import { enqueue } from '#schema/enqueue.ts'
import { Channels } from '#schema/migrations/0023-Channels.ts'
import { migrations } from '#schema/migrations/index.ts'
import { openQueues } from '#schema/queue.ts'
import { S3_CREDENTIALS, startS3 } from '#schema/test/s3.ts'
import { databaseWith, freshDatabase } from '#test/database.ts'
import { must } from '#test/must.ts'
import { runProgram } from '#test/testSystem.ts'
import { writeDeployment } from '../deployment.ts'

/** A backup of a system with data, and what a restored system does. */

async function folder() {
  const made = await mkdtemp(join(tmpdir(), 'modelcommons-backup-'))
  await chmod(made, 0o755)
  onTestFinished(() => rm(made, { recursive: true, force: true }))
  return made
}

async function indexed({ url: rpcUrl, deployment }: TestChain, db: Database) {
  const stop = new AbortController()
  const indexer = await startIndexer({ db, rpcUrl, deployment, signal: stop.signal, confirmations: 5, pollMs: 10 })
  await indexer.caughtUp()
  stop.abort()
  await indexer.stopped
}

/** A digest of the rows of every table. */
async function contents(db: Database): Promise<Record<string, string>> {
  const { rows } = await db.query(`select tablename as name from pg_tables where schemaname = 'public' order by 1`)
  const found: Record<string, string> = {}
  for (const { name } of rows) {
    const digest = `select count(*) || ' ' || md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as of from "${name}" t`
    found[name] = (await db.query(digest)).rows[0].of
  }
  return found
}

const rootOf = async (db: Database) =>
  (await db.query('select root from state_root where to_block is null')).rows[0].root

async function hasLock(db: Database, condition: string): Promise<boolean> {
  const { rowCount } = await db.query(`select 1 from pg_locks where ${condition} and database =
    (select oid from pg_database where datname = current_database())`)
  return Boolean(rowCount)
}

async function system() {
  const chain = await testChain()
  await prepareNoise(chain)
  const next = seededInts(31)
  const live = async (blocks: number) => {
    for (let i = 0; i < blocks; i++) await noise(chain, next)
  }
  await live(15)
  const home = await folder()
  const db = await freshDatabase()
  await indexed(chain, db)
  const queues = await openQueues({ databaseUrl: db.url })
  const asked = { key: 'k', requestedBy: null }
  const text = 'two\nlines,\ta tab, a \\ and \u2028 🙂'
  const job = await enqueue(
    { db, queues },
    'infer',
    { endpointId: '1', prompt: text, consumer: `0x${'1'.repeat(40)}` },
    asked,
  )
  await queues.close()
  // In an order in which the guard of the ledger would refuse the rows, had it to judge them again.
  await db.query(`alter table ledger_transfer disable trigger user`)
  await db.query(`insert into ledger_transfer (id, debit, credit, amount, event, block, reason, at) values
    ('b', 'a:1', 'a:2', 5, 'e', 1, 'r', '2026-01-01T00:00:00.123456Z'), ('a', 'deposits', 'a:1', 7, null, 1, 'r', now())`)
  await db.query(`alter table ledger_transfer enable trigger user`)
  const deployment = join(home, 'given.json')
  await writeDeployment(deployment, chain.deployment)
  const artifacts = localStore(join(home, 'artifacts'))
  const artifact = await artifacts.put(randomBytes(3000))
  const env = { RPC_URL: chain.url, DEPLOYMENT: deployment, LOG_LEVEL: 'silent' }
  const out = join(home, 'backup')
  const backup = (to = out) =>
    runProgram('backup', { ...env, DATABASE_URL: db.url, MODELCOMMONS_HOME: home }, ['--out', to])
  const restore = (to: Database, home: string, ...args: string[]) =>
    runProgram('restore', { ...env, DATABASE_URL: to.url, MODELCOMMONS_HOME: home }, [out, ...args])
  return { chain, live, home, db, job, text, artifact, out, backup, restore }
}

test('a restored system has the same rows, roots and artifacts; the indexer goes on from its block', async () => {
  const { chain, live, home, db, job, text, artifact, out, backup, restore } = await system()
  const saved = await contents(db)
  const root = await rootOf(db)
  expect(await backup()).toEqual({
    code: 0,
    output: expect.stringMatching(/^Backup .*: \d+ rows of \d+ tables, index up/),
  })
  expect(await backup()).toEqual({ code: 1, output: `--out: ${out} exists. Name a folder that does not exist yet.` })

  await live(10) // the chain goes on, and so does the old system
  await indexed(chain, db)
  const [other, target] = [await folder(), await databaseWith(0)]
  expect(await restore(target, other)).toEqual({ code: 0, output: expect.stringMatching(/^Restored \d+ rows of /) })
  expect(await contents(target)).toEqual(saved)
  expect(await rootOf(target)).toBe(root)
  expect(await schemaDrift(target.url)).toEqual([])
  expect((await target.query('select input from job_run where id = $1', [job.id])).rows[0].input.prompt).toBe(text)
  expect(await localStore(join(other, 'artifacts')).get(artifact)).toEqual(
    await localStore(join(home, 'artifacts')).get(artifact),
  )
  await expect(target.query(`delete from ledger_transfer`)).rejects.toThrow('The ledger is only added to')

  const older = await databaseWith(migrations.indexOf(Channels)) // with tables that are no more
  expect((await restore(older, await folder())).output).toMatch(/^Restored/)
  expect(await contents(older)).toEqual(saved)

  await indexed(chain, target)
  expect(await rootOf(target)).toBe(await rootOf(db))

  const again = await restore(target, other)
  expect(again).toEqual({ code: 1, output: expect.stringMatching(/^DATABASE_URL: the database has rows \(\w+\)\./) })
  const user = new pg.Client({ connectionString: target.url, application_name: 'modelcommons api' })
  await user.connect()
  const used = await restore(target, other, '--force')
  expect(used.output).toBe('DATABASE_URL: api use the database. Stop the services first.')
  await user.end()
  expect((await restore(target, other, '--force')).code).toBe(0)
  expect(await contents(target)).toEqual(saved)
})

test('a backup that is incomplete, damaged or of a newer release changes nothing', async () => {
  const { out, backup, restore } = await system()
  await backup()
  const [other, target] = [await folder(), await databaseWith(0)]
  const refused = async (expected: RegExp) => {
    expect(await restore(target, other)).toEqual({ code: 1, output: expect.stringMatching(expected) })
    expect(await contents(target)).toEqual({})
  }
  const manifestFile = join(out, 'manifest.json')
  const text = await readFile(manifestFile, 'utf8')
  const manifest = JSON.parse(text)
  const newer = { ...manifest, release: '9.9.9', migrations: [...manifest.migrations, 'NextYear1800000000000'] }
  await writeFile(manifestFile, JSON.stringify(newer))
  await refused(/release 9\.9\.9, which has the migration NextYear1800000000000\. Restore it with that release/)
  await writeFile(manifestFile, JSON.stringify({ ...manifest, form: 2 }))
  await refused(/cannot be used \(form: expected 1/)
  await rm(manifestFile)
  await refused(/is not a complete backup/)
  await writeFile(manifestFile, text)
  const [object] = (await readdir(join(out, 'objects'), { recursive: true })).filter((name) => name.includes('0x'))
  const file = join(out, 'objects', must(object))
  const bytes = await readFile(file)
  await writeFile(
    file,
    bytes.map((byte, at) => (at === 7 ? byte ^ 1 : byte)),
  )
  await refused(/is damaged: objects: 0x/)
  await rm(file)
  await refused(/is damaged: objects: 0x/)
  await appendFile(join(out, 'database/holder.copy'), 'x')
  await refused(/is damaged: database\/holder\.copy is missing or was changed/)
})

test('an interrupted restore changes nothing', async () => {
  const { home, db, out, backup } = await system()
  await backup()
  const saved = await contents(db)
  const reader = await db.pool.connect() // the restore waits for it
  await reader.query('begin')
  await reader.query('select 1 from holder')
  const locked = (condition: string) => hasLock(db, condition)
  const env = { DATABASE_URL: db.url, MODELCOMMONS_HOME: home, LOG_LEVEL: 'silent' }
  const { code, output } = await runProgram('restore', env, [out, '--force'], async (child) => {
    await until('the restore waits for a lock', () => locked('not granted and relation is not null'))
    child.kill('SIGINT')
  })
  expect({ code, output }).toEqual({ code: 130, output: '' })
  await reader.query('commit')
  reader.release()
  await until('its session has ended', async () => !(await locked(`mode = 'AccessExclusiveLock'`)))
  expect(await contents(db)).toEqual(saved)
})

test('a backup that is killed half-way is none, and the next one is complete', async () => {
  const { home, db, out, backup, restore } = await system()
  const writer = await db.pool.connect() // the backup waits for it, in the middle of the tables
  await writer.query('begin')
  await writer.query('lock table redemption in access exclusive mode')
  const env = { DATABASE_URL: db.url, MODELCOMMONS_HOME: home, LOG_LEVEL: 'silent' }
  await runProgram('backup', env, ['--out', out], async (child) => {
    await until('the backup waits for a lock', () => hasLock(db, 'not granted and relation is not null'))
    child.kill('SIGKILL')
  })
  await writer.query('rollback')
  writer.release()
  const [part] = (await readdir(home)).filter((name) => name.endsWith('.part'))
  const target = await databaseWith(0)
  const refused = { code: 1, output: expect.stringMatching(/is not a complete backup/) }
  expect(await runProgram('restore', { ...env, DATABASE_URL: target.url }, [join(home, must(part))])).toEqual(refused)
  expect((await backup()).code).toBe(0)
  expect((await restore(target, await folder())).code).toBe(0)
  expect(await contents(target)).toEqual(await contents(db))
})

test('the objects of a bucket are copied with the backup, or must still be in the bucket of the restored system', async () => {
  const s3 = await startS3()
  onTestFinished(() => s3.close())
  const db = await freshDatabase()
  const [home, bucket, other] = [await folder(), await s3.bucket(), await s3.bucket()]
  const settings = { endpoint: s3.endpoint, region: 'us-east-1', ...S3_CREDENTIALS, pathStyle: true }
  const [from, to] = await Promise.all([bucket, other].map((name) => s3Store({ ...settings, bucket: name })))
  const [small, large] = [await must(from).put(randomBytes(300)), await must(from).put(randomBytes(9 << 20))]
  const run = (command: string, database: Database, name: string, ...args: string[]) =>
    runProgram(
      command,
      {
        DATABASE_URL: database.url,
        MODELCOMMONS_HOME: home,
        LOG_LEVEL: 'silent',
        RPC_URL: 'http://127.0.0.1:9',
        S3_ENDPOINT: s3.endpoint,
        S3_BUCKET: name,
        S3_REGION: 'us-east-1',
        S3_ACCESS_KEY_ID: S3_CREDENTIALS.accessKeyId,
        S3_SECRET_ACCESS_KEY: S3_CREDENTIALS.secretAccessKey,
      },
      args,
    )
  const [listed, copied] = [join(home, 'listed'), join(home, 'copied')]
  expect(await run('backup', db, bucket, '--out', listed)).toEqual({
    code: 0,
    output: expect.stringMatching(/2 objects listed, not copied \(--with-objects copies them\)\.$/),
  })
  expect((await run('backup', db, bucket, '--out', copied, '--with-objects')).code).toBe(0)

  const target = await databaseWith(0)
  expect(await run('restore', target, other, listed)).toEqual({
    code: 1,
    output: expect.stringMatching(
      /^S3_BUCKET: 2 of 2 objects of the backup are not in .*restore a backup with --with-objects/,
    ),
  })
  expect(await contents(target)).toEqual({})
  expect(await run('restore', target, other, copied)).toMatchObject({ code: 0 })
  for (const name of [small, large])
    expect(Buffer.compare(await must(to).get(name), await must(from).get(name)), name).toBe(0)
  expect((await run('restore', await databaseWith(0), bucket, listed)).code).toBe(0)
})
