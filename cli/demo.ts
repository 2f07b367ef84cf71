import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ConfigError, readConfig } from '#config'
import { checkEpoch } from '#epochs/checkEpoch.ts'
import { untilAborted } from '#schema/untilAborted.ts'
import { interruptible } from './interruption.ts'
import { openLog } from './log.ts'
import { ownIndexOf } from './ownIndex.ts'
import { type System, startSystem } from './system.ts'

/** `modelcommons demo`: runs one whole lifecycle on a fresh state. Exits with 0 only when every stage passes. */
export const demo = (options: DemoOptions): Promise<void> => interruptible((signal) => runDemo(options, signal))

interface DemoOptions {
  json?: boolean
  seed: number
  keep?: string
}

async function runDemo({ json, seed, keep }: DemoOptions, signal: AbortSignal): Promise<void> {
  const home = keep ? resolve(keep) : await mkdtemp(join(tmpdir(), 'modelcommons-demo-'))
  if (keep) {
    await mkdir(home, { recursive: true })
    if ((await readdir(home)).length)
      throw new ConfigError(`--keep: ${home} is not empty. The demo needs an empty folder.`)
  }
  process.env.LOG_LEVEL ??= 'warn'
  // The demo uses a fresh state: of the environment only the device and the log level matter.
  const { MODELCOMMONS_DEVICE, LOG_LEVEL } = process.env
  const config = readConfig({ MODELCOMMONS_DEVICE, LOG_LEVEL, MODELCOMMONS_HOME: home, PORT: '0' })
  for (const name of [
    'DATABASE_URL',
    'RPC_URL',
    'REDIS_URL',
    'S3_BUCKET',
    'S3_ENDPOINT',
    'ARTIFACT_MIRRORS',
    'DEPLOYMENT',
    'OPERATOR_KEY',
  ])
    delete process.env[name]
  const log = openLog('demo', config)
  const print = json ? (line: string) => console.error(line) : (line: string) => console.log(line)
  let system: System | undefined
  try {
    system = await startSystem(config, log, signal)
    const { url, rpcUrl, deployment } = system
    print(`Running at ${url}.`)
    const { playExample } = await import('#example/story/index.ts')
    const played = playExample({
      url,
      rpcUrl,
      seed,
      signal,
      say: print,
      verify: (epoch) => ownIndexOf(config, { rpcUrls: rpcUrl, deployment }, (own) => checkEpoch(own, epoch)),
    })
    const report = await untilAborted(played, signal)
    for (const stage of report.stages) print(`${stage.ok ? '✓' : '✗'} ${stage.name}  ${JSON.stringify(stage.facts)}`)
    if (json) console.log(JSON.stringify(report))
    process.exitCode = report.stages.every((stage) => stage.ok) ? 0 : 1
  } finally {
    await system?.stop()
    if (keep) print(`The chain, the database and the artifacts are in ${home}.`)
    else await rm(home, { recursive: true, force: true })
  }
}
