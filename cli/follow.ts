import { type Config, ConfigError, readConfig } from '#config'
import { type FollowedDeployment, startIndexer } from '#indexer/index.ts'
import { startReconciler } from '#indexer/reconcile.ts'
import { openDatabase } from '#schema/database.ts'
import { ensureDatabase } from '#schema/postgres.ts'
import { migrate } from '#schema/source.ts'
import { readDeployment } from './deployment.ts'
import { followedChains, type GovernorOptions, namesGovernors } from './governors.ts'
import { openLog } from './log.ts'
import { runService } from './service.ts'

/** What one indexer follows, and where it stores it. */
export interface Following {
  databaseUrl: string
  rpcUrl: string
  confirmations?: number
  deployment: FollowedDeployment
}

/** The chains that the options, or else the environment, say to follow. A database for each chain of a file with several is made
 *  beside the configured one, and brought to the newest schema.
 *  @throws ConfigError naming what is missing or cannot be used. */
export async function followings(options: GovernorOptions, config: Config): Promise<Following[]> {
  const { databaseUrl, rpcUrls: rpcUrl, confirmations } = config
  if (!databaseUrl)
    throw new ConfigError(
      'DATABASE_URL: required to run this service alone. `modelcommons up` runs everything on embedded parts.',
    )
  if (!namesGovernors(options)) {
    if (!rpcUrl)
      throw new ConfigError(
        'RPC_URL: required to run this service alone. `modelcommons up` runs everything on embedded parts.',
      )
    const deployment = await readDeployment(config.deployment as string)
    return [{ databaseUrl, rpcUrl, confirmations, deployment }]
  }
  const chains = await followedChains(options, { rpcUrl })
  const made: Following[] = []
  for (const { databaseSuffix, ...chain } of chains) {
    const url = new URL(databaseUrl)
    url.pathname += databaseSuffix
    if (databaseSuffix) {
      await (await openDatabase(databaseUrl, { max: 1 })).close() // says what to do when nothing answers there
      await ensureDatabase(databaseUrl, decodeURIComponent(url.pathname.slice(1)))
    }
    await migrate(url.href)
    made.push({ confirmations, ...chain, databaseUrl: url.href })
  }
  return made
}

/** The configuration of a service that may follow Governors alone. */
export const configFor = (options: GovernorOptions) => readConfig(process.env, { house: !namesGovernors(options) })

/** `modelcommons index`: follows the deployment, or the Governors that the options name, each chain by an indexer of its own. */
export const runIndexer = ({ rewind = false, ...options }: GovernorOptions & { rewind?: boolean } = {}) =>
  runService(async () => {
    const config = configFor(options)
    const log = openLog('index', config)
    const abort = new AbortController()
    const stops: (() => Promise<void>)[] = []
    const stop = async () => {
      abort.abort()
      for (const one of stops) await one()
    }
    try {
      const ends: Promise<void>[] = []
      for (const following of await followings(options, config)) {
        const { stopped, close } = await follow(following, config, { rewind, log, signal: abort.signal })
        ends.push(stopped)
        stops.push(close)
      }
      return { stopped: Promise.all(ends).then(() => {}), stop }
    } catch (error) {
      await stop()
      throw error
    }
  })

interface Way {
  rewind: boolean
  log: ReturnType<typeof openLog>
  signal: AbortSignal
}

async function follow(
  following: Following,
  { gatewayUrl, finality, reconcileMs, chainCache: cacheFolder }: Config,
  { rewind, log, signal }: Way,
) {
  const { databaseUrl, rpcUrl, confirmations, deployment } = following
  const db = await openDatabase(databaseUrl, { name: 'modelcommons index' })
  try {
    const deepReorganisation = rewind ? ('rewind' as const) : ('stop' as const)
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
      deepReorganisation,
    })
    const compared = reconcileMs ? startReconciler({ db, rpcUrl, everyMs: reconcileMs, log, signal }) : undefined
    const { chainId, startBlock } = deployment
    log.info({ chainId, startBlock: Number(startBlock), database: new URL(databaseUrl).pathname.slice(1) }, 'Indexing')
    const close = async () => {
      await Promise.allSettled([indexer.stopped, compared])
      await db.close()
    }
    return { stopped: Promise.all([indexer.stopped, compared]).then(() => {}), close }
  } catch (error) {
    await db.close()
    throw error
  }
}
