import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog } from '#cli/log.ts'
import { type System, startSystem } from '#cli/system.ts'
import { readConfig } from '#config'

export interface JourneySystem {
  system: System
  folder: string
  /** Of the services, for commands of the operator's machine. */
  env: Record<string, string>
  /** Makes a folder for somebody. */
  homeOf(name: string): Promise<string>
  close(): Promise<void>
}

/** A whole system on a fresh state, with one worker and its steward, who has no policy but those of the mandates. */
export async function openJourneySystem(signal: AbortSignal): Promise<JourneySystem> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-journeys-'))
  await chmod(folder, 0o755) // the database server may run as another user
  process.env.LOG_LEVEL ??= 'silent' // the services inherit these
  process.env.REDEEM_AFTER = '86400'
  const home = join(folder, 'system')
  const config = readConfig({ MODELCOMMONS_HOME: home, MODELCOMMONS_DEVICE: 'cpu', PORT: '0', LOG_LEVEL: 'silent' })
  const system = await startSystem(config, openLog('journeys', config), signal)
  const env = Object.fromEntries(Object.entries(system.env).map(([name, value = '']) => [name, value]))
  return {
    ...{ system, folder, env },
    async homeOf(name) {
      const own = join(folder, name)
      await mkdir(own)
      return own
    },
    async close() {
      await system.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
