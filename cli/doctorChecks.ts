import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { availableParallelism, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Config } from '#config'
import { MirrorError } from '#schema/artifacts/index.ts'
import { EMPTY_ARTIFACT } from '#schema/artifacts/names.ts'
import { POSTGRES_PACKAGE } from '#schema/postgres.ts'
import { requireRedis } from '#schema/queue.ts'
import { LIMITS_OF_ALERTS } from '../dashboards/alerts.ts'
import { chainChecks, type DoctorCheck } from './chainChecks.ts'
import { databaseChecks } from './databaseChecks.ts'
import { journalKeyFile } from './journalKeys.ts'
import { requireWritable } from './lockHome.ts'
import { configuredMirrors, openArtifacts } from './openArtifacts.ts'
import { relayCheck } from './relayServed.ts'
import { requireFreePort } from './requireFreePort.ts'
import { workerSlots } from './workerSlots.ts'

/** Checks of this machine. */
export const machineChecks = (config: Config): DoctorCheck[] => [
  ['node', async () => `${process.version}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`],
  ['port', () => portIsUsable(config)],
  ['engine', engineRuns],
  ['slots', async () => slotsOf(config)],
]

/** Checks of what the services need while they run. */
export const serviceChecks = (config: Config & { minesByItself: boolean }): DoctorCheck[] => {
  const answering = new Set<string>()
  return [
    ['home', () => homeIsWritable(config.home)],
    ...(config.rpcUrls
      ? chainChecks(config.rpcUrls, config.deployment as string, answering)
      : [['chain', () => embedded('@foundry-rs/anvil/package.json')] satisfies DoctorCheck]),
    ['queue', () => queueAnswers(config)],
    ['artifacts', () => artifactsAnswer(config)],
    ...(config.mirrors.addresses.length ? [['mirrors', () => mirrorsAnswer(config)] satisfies DoctorCheck] : []),
    ['journal', () => journalKeyIsShared(config)],
    ...(config.databaseUrl
      ? databaseChecks(config.databaseUrl, config.rpcUrls ? answering : undefined, config)
      : [
          ['database', () => embedded(POSTGRES_PACKAGE)] satisfies DoctorCheck,
          ...(config.relay ? [['relay', () => relayCheck(config.relayerKey !== undefined)] satisfies DoctorCheck] : []),
        ]),
  ]
}

/** What a worker with these variables runs. */
const slotsOf = (config: Config): string =>
  Object.entries(workerSlots(config))
    .map(([lane, slots]) => `${lane} ${slots}`)
    .join(', ')

async function artifactsAnswer(config: Config): Promise<string> {
  await openArtifacts(config)
  return config.s3 ? `bucket ${config.s3.bucket}` : config.artifacts
}

/** Each mirror is asked for the artifact without bytes, which it need not have. */
async function mirrorsAnswer({ mirrors }: Config): Promise<string> {
  const opened = configuredMirrors(mirrors)
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-doctor-'))
  try {
    for (const [index, mirror] of opened.entries())
      await mirror.getFile(EMPTY_ARTIFACT, join(folder, String(index))).catch((error) => {
        if (!(error instanceof MirrorError && error.outcome === 'missing')) throw error
      })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return `${opened.map(({ where }) => where).join(', ')}: all answer`
}

/** Hosts that share a bucket must share the key, or none could read what another has sealed. */
async function journalKeyIsShared(config: Config): Promise<string> {
  if (config.journalKeys)
    return `sealed by JOURNAL_KEY${config.journalKeys.length > 1 ? ', older keys open it, too' : ''}`
  if (config.s3 && config.operatorKey)
    throw new Error(
      `JOURNAL_KEY: required with S3_BUCKET, because all hosts must seal the journal of answers with one key. Take that of ${journalKeyFile(config)} if it exists, else a new one (openssl rand -hex 32).`,
    )
  return config.s3 ? 'only workers have its key' : `sealed by ${journalKeyFile(config)}`
}

async function homeIsWritable(home: string): Promise<string> {
  await requireWritable(home)
  const { bavail, bsize } = await statfs(home)
  const free = Math.floor((bavail * bsize) / 2 ** 30)
  const least = LIMITS_OF_ALERTS.freeDiskGiB
  if (free < least)
    throw new Error(`${home} has ${free} GiB free; make room for at least ${least}, or set MODELCOMMONS_HOME.`)
  return `${home}, ${free} GiB free`
}

/** The port is free, or the API of this configuration already answers there. */
async function portIsUsable({ host, port }: Config): Promise<string> {
  try {
    await requireFreePort({ host, port })
  } catch (error) {
    const answer = await fetch(`http://${host}:${port}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(() => {})
    const report = (await answer?.json().catch(() => {})) as { ready?: boolean; reason?: string } | undefined
    if (report?.ready === undefined) throw error
    if (!report.ready) throw new Error(`The API at ${host}:${port} is not ready: ${report.reason}`)
    return `${host}:${port}: the API answers and is ready`
  }
  return port === 0 ? 'any free port' : `${host}:${port} is free`
}

async function engineRuns(): Promise<string> {
  const ort = await import('onnxruntime-node')
  return `ONNX Runtime with ${ort
    .listSupportedBackends()
    .map((backend) => backend.name)
    .join(', ')}`
}

async function queueAnswers({ redisUrl }: Config): Promise<string> {
  if (!redisUrl) return 'in PostgreSQL'
  const policy = await requireRedis(redisUrl)
  if (policy && policy !== 'noeviction')
    throw new Error(
      `REDIS_URL: this Redis drops keys when its memory is full (maxmemory-policy ${policy}), and jobs start late then. Set its maxmemory-policy to noeviction.`,
    )
  return 'Redis'
}

/** A server that `up` starts from a package of npm. */
async function embedded(name: string): Promise<string> {
  const { createRequire } = await import('node:module')
  try {
    createRequire(import.meta.url).resolve(name)
  } catch {
    throw new Error(`${name} is not installed: run npm install, or set DATABASE_URL and RPC_URL to your own servers.`)
  }
  return 'embedded: `modelcommons up` starts it'
}
