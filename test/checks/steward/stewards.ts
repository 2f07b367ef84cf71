import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog } from '#cli/log.ts'
import { type Service, supervise } from '#cli/supervisor.ts'
import { type System, startSystem } from '#cli/system.ts'
import { readConfig } from '#config'
import { type Database, openDatabase } from '#schema/database.ts'
import { S3_CREDENTIALS, startS3 } from '#schema/test/s3.ts'

/** A whole system with two workers, and so two stewards. Each worker has a home of its own, as on two machines: they share the chain, the database and a store of
 *  artifacts, and nothing else. */
export interface StewardedSystem {
  system: System
  second: Service
  db: Database
  /** Variables for commands on it. */
  env: NodeJS.ProcessEnv
  close(): Promise<void>
}

export async function openStewardedSystem(signal: AbortSignal): Promise<StewardedSystem> {
  const [home, other] = [await emptyHome(), await emptyHome()]
  process.env.LOG_LEVEL ??= 'silent' // the services inherit it
  const s3 = await startS3()
  const shared = {
    ...{ S3_ENDPOINT: s3.endpoint, S3_BUCKET: await s3.bucket(), S3_REGION: 'us-east-1' },
    ...{ S3_ACCESS_KEY_ID: S3_CREDENTIALS.accessKeyId, S3_SECRET_ACCESS_KEY: S3_CREDENTIALS.secretAccessKey },
    ...{ JOURNAL_KEY: '4a'.repeat(32), MODELCOMMONS_DEVICE: 'cpu', LOG_LEVEL: 'silent' },
  }
  Object.assign(process.env, shared)
  const config = readConfig({ ...shared, MODELCOMMONS_HOME: home, PORT: '0' })
  const log = openLog('steward', config)
  const system = await startSystem(config, log, signal)
  const second = supervise('worker', { ...system.env, MODELCOMMONS_HOME: other }, log)
  const db = await openDatabase(system.databaseUrl, { name: 'steward check', max: 3 })
  await second.ready
  const env = { ...process.env, ...system.env }
  const close = async () => {
    await db.close().catch(() => {})
    await second.stop()
    await system.stop()
    await s3.close()
    for (const folder of [home, other]) await rm(folder, { recursive: true, force: true })
  }
  return { system, second, db, env, close }
}

async function emptyHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'modelcommons-steward-'))
  await chmod(home, 0o755) // the database server may run as another user
  return home
}
