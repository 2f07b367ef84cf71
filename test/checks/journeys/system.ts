import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { openLog } from '#cli/log.ts'
import { type System, startSystem } from '#cli/system.ts'
import { readConfig } from '#config'

/** What the operator leaves to the steward, for models whose mandate does not say it. Answers are redeemed by hand. */
const STEWARD = {
  version: 1,
  policy: {
    score: { batch: 1000, afterSeconds: 300 },
    train: { samples: 120, growth: 1000, settings: { rank: 16, alpha: 32, epochs: 8, learningRate: 0.004 } },
  },
}

export interface JourneySystem {
  system: System
  folder: string
  /** Of the services, for commands of the operator's machine. */
  env: Record<string, string>
  /** Makes a folder for somebody. */
  homeOf(name: string): Promise<string>
  close(): Promise<void>
}

/** A whole system on a fresh state, with one worker and its steward. */
export async function openJourneySystem(signal: AbortSignal): Promise<JourneySystem> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-journeys-'))
  await chmod(folder, 0o755) // the database server may run as another user
  process.env.STEWARD_FILE = join(folder, 'steward.yaml') // the services inherit these
  process.env.LOG_LEVEL ??= 'silent'
  process.env.REDEEM_AFTER = '86400'
  await writeFile(process.env.STEWARD_FILE, stringify(STEWARD))
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
