import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog } from '#cli/log.ts'
import { type Service, supervise } from '#cli/supervisor.ts'
import { type System, startSystem } from '#cli/system.ts'
import { readConfig } from '#config'
import { type Database, openDatabase } from '#schema/database.ts'

/** A whole system with two workers, and so two stewards. */
export interface StewardedSystem {
  system: System
  second: Service
  db: Database
  /** Variables for commands on it. */
  env: NodeJS.ProcessEnv
  close(): Promise<void>
}

export async function openStewardedSystem(signal: AbortSignal): Promise<StewardedSystem> {
  const home = await mkdtemp(join(tmpdir(), 'modelcommons-steward-'))
  await chmod(home, 0o755) // the database server may run as another user
  process.env.LOG_LEVEL ??= 'silent' // the services inherit it
  const config = readConfig({ MODELCOMMONS_HOME: home, MODELCOMMONS_DEVICE: 'cpu', PORT: '0', LOG_LEVEL: 'silent' })
  const log = openLog('steward', config)
  const system = await startSystem(config, log, signal)
  const second = supervise('worker', system.env, log)
  const db = await openDatabase(system.databaseUrl, { name: 'steward check', max: 3 })
  await second.ready
  const env = { ...process.env, ...system.env }
  const close = async () => {
    await db.close().catch(() => {})
    await second.stop()
    await system.stop()
    await rm(home, { recursive: true, force: true })
  }
  return { system, second, db, env, close }
}
