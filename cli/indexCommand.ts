import { join } from 'node:path'
import { type Config, ConfigError, readConfig } from '#config'
import { Failures } from '#indexer/follow/failures.ts'
import { startReconciler } from '#indexer/governors/reconcile.ts'
import { type FollowedDeployment, type IndexerStatus, newCounters, startIndexer } from '#indexer/index.ts'
import { openDatabase } from '#schema/database.ts'
import { migrate } from '#schema/migrate.ts'
import { ensureDatabase } from '#schema/postgres.ts'
import { readDeployment } from './deployment.ts'
import {
  followedChains,
  type GovernorOptions,
  type NamedChain,
  namedChains,
  namesGovernors,
  writeGovernorFile,
} from './governors.ts'
import { addIndexerMetrics } from './indexerMetrics.ts'
import { openLog } from './log.ts'
import { openProcessMetrics } from './processMetrics.ts'
import { runService } from './service.ts'
import { type ReadinessReport, serveStatus } from './statusServer.ts'

/** What one indexer follows, and the database in which it stores it. */
export interface IndexTarget {
  databaseUrl: string
  rpcUrl: string
  confirmations?: number
  deployment: FollowedDeployment
}

/** The chains to follow, from the options or else from the environment. For a file with several chains, creates a database for each one
 *  beside the configured one. Each database is migrated.
 *  @throws ConfigError that names what is missing or cannot be used. */
export async function indexTargets(options: GovernorOptions, config: Config): Promise<IndexTarget[]> {
  const { databaseUrl, rpcUrls: rpcUrl, confirmations } = config
  if (!databaseUrl)
    throw new ConfigError(
      'DATABASE_URL: required to run this service alone. `modelcommons up` runs everything with embedded servers.',
    )
  if (!namesGovernors(options)) {
    if (!rpcUrl)
      throw new ConfigError(
        'RPC_URL: required to run this service alone. `modelcommons up` runs everything with embedded servers.',
      )
    const deployment = await readDeployment(config.deployment as string)
    await migrate(databaseUrl)
    return [{ databaseUrl, rpcUrl, confirmations, deployment }]
  }
  const made: IndexTarget[] = []
  for (const { databaseSuffix, ...chain } of await followedChains(options, { rpcUrl }))
    made.push({ confirmations, ...chain, databaseUrl: await databaseOf(databaseUrl, databaseSuffix) })
  return made
}

/** An index to read; its node, if the configuration names one. */
type IndexedTarget = Omit<IndexTarget, 'rpcUrl'> & { rpcUrl?: string }

/** Like `indexTargets`, for readers of an index: with a configuration file they need no node. */
export async function indexedTargets(options: GovernorOptions, config: Config): Promise<IndexedTarget[]> {
  const { databaseUrl, rpcUrls } = config
  if (!databaseUrl || !namesGovernors(options)) return indexTargets(options, config)
  const made: IndexedTarget[] = []
  for (const { databaseSuffix, deployment, rpcUrl } of await namedChains(options, { rpcUrl: rpcUrls }))
    made.push({ deployment, rpcUrl, databaseUrl: await databaseOf(databaseUrl, databaseSuffix) })
  return made
}

/** The database of one chain, created if it does not exist, and migrated. */
async function databaseOf(databaseUrl: string, suffix: NamedChain['databaseSuffix']): Promise<string> {
  const url = new URL(databaseUrl)
  url.pathname += suffix
  if (suffix) {
    await (await openDatabase(databaseUrl, { max: 1 })).close() // fails with a clear message when no server answers
    await ensureDatabase(databaseUrl, decodeURIComponent(url.pathname.slice(1)))
  }
  await migrate(url.href)
  return url.href
}

/** The configuration of a service that signs nothing, and may follow Governors without a deployment. */
export const configFor = (options: GovernorOptions) =>
  readConfig(process.env, { requireDeployment: !namesGovernors(options), signs: false })

/** `modelcommons index`: follows the deployment, or the Governors of the options, with one indexer for each chain. A chain whose node or
 *  database is not available keeps none of the others from being followed. */
export const runIndexer = ({ rewind = false, ...options }: GovernorOptions & { rewind?: boolean } = {}) =>
  runService('index', async () => {
    const config = configFor(options)
    const log = openLog('index', config)
    const abort = new AbortController()
    const { signal } = abort
    const stops: (() => Promise<void>)[] = []
    const stop = async () => {
      abort.abort()
      for (const one of stops) await one()
    }
    try {
      const chains: FollowedIndex[] = []
      const registry = openProcessMetrics(config)
      const readings = () => chains.map(({ reading }) => reading())
      addIndexerMetrics(registry, readings)
      const ready = async () => indexersReady(readings())
      const status = await serveStatus(config, 'INDEX_PORT', { registry, ready })
      stops.push(status.close)
      const failures = new Failures(newCounters(), { details: {}, signal, log })
      const targets = await failures.retried(() => indexTargets(options, config), START_FAILED)
      for (const target of targets) chains.push(follow(target, config, { rewind, log, signal }))
      stops.push(...chains.map(({ close }) => close))
      await oneOf(chains.map(({ started }) => started))
      if (options.governor !== undefined) await writeFileFor(options.governor, targets, config, log)
      const stopped = Promise.allSettled(chains.map((chain) => chain.stopped)).then((ends) => {
        for (const end of ends) if (end.status === 'rejected') throw end.reason
      })
      return { info: { statusUrl: status.url }, stopped, stop }
    } catch (error) {
      await stop()
      throw error
    }
  })

/** The configuration file of a Governor from the command line, which the other commands read. */
async function writeFileFor(
  governor: string,
  targets: readonly IndexTarget[],
  { home }: Config,
  log: FollowOptions['log'],
) {
  const file = join(home, `governor-${governor.toLowerCase()}.json`)
  for (const target of targets) await writeGovernorFile(file, target)
  log.info(
    { file },
    'Wrote the configuration of this Governor: `api`, `reconcile` and `verify index` take it as --config',
  )
}

/** Resolves when one does; rejects with the first failure when all have failed. */
const oneOf = (all: readonly Promise<unknown>[]) =>
  Promise.any(all).catch(({ errors }: AggregateError) => {
    throw errors[0]
  })

const START_FAILED = 'The start failed; retrying'

/** An indexer is ready while it follows its chain, or waits as the standby of one that does. */
function indexersReady(readings: readonly ReturnType<FollowedIndex['reading']>[]): ReadinessReport {
  const ill = readings.find(({ state }) => state !== 'running' && state !== 'waiting')
  if (ill) return { ready: false, reason: `The indexer of chain ${ill.chainId} is ${ill.state}: see its log.` }
  return readings.length ? { ready: true } : { ready: false, reason: 'The indexer is starting: see its log.' }
}

interface FollowOptions {
  rewind: boolean
  log: ReturnType<typeof openLog>
  signal: AbortSignal
}

interface FollowedIndex {
  /** For the metrics, from the beginning of the start. */
  reading(): Pick<IndexerStatus, 'chainId' | 'block' | 'state' | 'active' | 'counters'>
  started: Promise<unknown>
  /** Rejects when the indexer or its comparisons cannot go on. */
  stopped: Promise<void>
  /** Ends the connections, once `signal` has aborted. */
  close(): Promise<void>
}

const ended = (last: ReturnType<FollowedIndex['reading']>) => () => ({
  ...last,
  state: 'stopped' as const,
  active: false,
})

function follow(target: IndexTarget, config: Config, { rewind, log, signal }: FollowOptions): FollowedIndex {
  const { databaseUrl, rpcUrl, confirmations, deployment } = target
  const { gatewayUrl, finality, reconcileMs, chainCache: cacheFolder } = config
  const { chainId } = deployment
  const counters = newCounters()
  let reading: FollowedIndex['reading'] = () => ({ chainId, block: 0, state: 'starting', active: false, counters })
  const failures = new Failures(counters, { details: { chainId }, signal, log })
  const opened = failures.retried(() => openDatabase(databaseUrl, { name: 'modelcommons index' }), START_FAILED)
  const started = opened.then(async (db) => {
    const indexer = await startIndexer({
      db,
      rpcUrl,
      deployment,
      log,
      signal,
      gatewayUrl,
      confirmations,
      finality,
      cacheFolder,
      counters,
      deepReorganisation: rewind ? 'rewind' : 'stop',
    })
    reading = indexer.status
    return { db, indexer }
  })
  const stopped = started.then(async ({ db, indexer }) => {
    const compared = reconcileMs ? startReconciler({ db, rpcUrl, everyMs: reconcileMs, log, signal }) : undefined
    await Promise.all([indexer.stopped, compared])
  })
  stopped.catch(({ message: problem }: Error) => {
    reading = ended(reading())
    if (!signal.aborted) log.error({ chainId, problem }, 'This chain is followed no longer; others are')
  })
  const close = async () => {
    await Promise.allSettled([stopped])
    await opened.then(
      (db) => db.close(),
      () => {},
    )
  }
  return { reading: () => reading(), started, stopped, close }
}
