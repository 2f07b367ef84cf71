import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Config } from '#config'
import { VERSION } from '#schema/version.ts'

/** What `modelcommons up` tells other programs about the system that it runs in a home. It has no credentials. */
const Running = z.object({
  pid: z.number(),
  release: z.string(),
  startedAt: z.string(),
  /** Of the API. */
  url: z.string(),
  /** Where each service has /ready. */
  statusUrls: z.record(z.string(), z.string()),
  /** The parts that its environment names, by the variable. */
  named: z.array(z.string()),
  /** How the example that it plays gets on. */
  example: z.object({ stopped: z.boolean(), says: z.string() }).optional(),
})

export type RunningSystem = z.infer<typeof Running>

const fileOf = (home: string) => join(home, 'running.json')

/** The variables that name the parts of a system in place of the embedded ones. */
export const namedParts = ({ databaseUrl, rpcUrl, redisUrl, s3 }: Config): string[] =>
  Object.entries({ DATABASE_URL: databaseUrl, RPC_URL: rpcUrl, REDIS_URL: redisUrl, S3_BUCKET: s3 })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name)

export interface Announcement {
  tellExample(example: RunningSystem['example']): Promise<void>
  withdraw(): Promise<void>
}

export async function announceSystem(
  config: Config,
  { url, statusUrls }: { url: string; statusUrls: Partial<Record<string, string>> },
): Promise<Announcement> {
  const file = fileOf(config.home)
  const running = {
    pid: process.pid,
    release: VERSION,
    startedAt: new Date().toISOString(),
    url,
    statusUrls: statusUrls as Record<string, string>,
    named: namedParts(config),
  } satisfies RunningSystem
  const announce = async (one: RunningSystem) => {
    const whole = `${file}.new`
    await writeFile(whole, `${JSON.stringify(one, null, 1)}\n`)
    await rename(whole, file) // whoever reads meanwhile finds the one or the other
  }
  await announce(running)
  return {
    tellExample: (example) => announce({ ...running, example }),
    withdraw: () => rm(file, { force: true }),
  }
}

/** The system that runs in a home, by its own words; undefined when there are none. */
export async function announcedSystem(home: string): Promise<RunningSystem | undefined> {
  const text = await readFile(fileOf(home), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return Running.parse(JSON.parse(text))
  } catch {
    return undefined // a start that was killed wrote half of it
  }
}
