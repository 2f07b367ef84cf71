import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import {
  type Account,
  type Chain,
  createPublicClient,
  createWalletClient,
  http,
  type PublicClient,
  type Transport,
} from 'viem'
import type { Config } from '#config'
import { rpc, stopStaleAnvil } from '#contracts/anvil.ts'
import { type Deployment, deployAll } from '#contracts/deploy.ts'
import { DEMO_SETTINGS, demoHolders, type Holders, type Settings } from '#contracts/settings.ts'
import { FUNDED_ACCOUNTS, FUNDED_TOKENS } from '#example/accounts.ts'
import { migrate } from '#schema/migrate.ts'
import { runningPostgres, startPostgres } from '#schema/postgres.ts'
import { untilAborted } from '#schema/untilAborted.ts'
import { announceChain, embeddedChainFiles, embeddedOperator, embeddedOperatorKey } from './configuredChain.ts'
import { readDeployment, writeDeployment } from './deployment.ts'
import { runEmbeddedChain } from './embeddedChain.ts'
import { embeddedPorts, requireFreeEmbeddedPort } from './requireFreePort.ts'
import { requireServices } from './requireServices.ts'

/** The development account that deploys to the embedded chain; the workers sign with its key. */
/** Genesis time and block interval of the embedded chain are fixed, so that the same example gives the same blocks. */
const GENESIS = 1_760_000_000
const BLOCK_SECONDS = 1
/** How often the embedded database is checked. */
const HEALTH_CHECK_MS = 200

/** The database and the chain that the services use: embedded ones, or those of the configuration. */
export interface BackingServices {
  /** Environment variables that point a service process at them. */
  env: NodeJS.ProcessEnv
  databaseUrl: string
  rpcUrl: string
  deployment: Deployment
  /** Whether the chain is embedded: then it can be told to mine and to move its clock. */
  local: boolean
  stop(): Promise<void>
}

/** Starts the services that the configuration does not name, deploys to an empty embedded chain, and migrates the database. When `signal`
 *  aborts, what was started is stopped. @throws Error that names the variable of a configured service that does not answer. */
export async function startBackingServices(config: Config, log: Logger, signal: AbortSignal): Promise<BackingServices> {
  await untilAborted(requireServices(config), signal)
  await mkdir(config.home, { recursive: true })
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const one of stops.reverse()) await one()
  }
  try {
    await requireEmbeddedPorts(config)
    const databaseUrl = config.databaseUrl ?? (await startEmbeddedPostgres(config, log, stops))
    signal.throwIfAborted()
    await migrate(databaseUrl)
    signal.throwIfAborted()
    const chain = config.rpcUrl
      ? {
          rpcUrl: config.rpcUrl,
          deploymentFile: config.deployment as string,
          operatorKey: config.operatorKey as string,
        }
      : await startEmbeddedChain(config, log, stops)
    const deployment = await readDeployment(chain.deploymentFile)
    const env = {
      MODELCOMMONS_HOME: config.home,
      DATABASE_URL: databaseUrl,
      DATABASE_PASSWORD: '', // it is in the URL
      RPC_URL: config.rpcUrls ?? chain.rpcUrl,
      DEPLOYMENT: chain.deploymentFile,
      OPERATOR_KEY: chain.operatorKey,
      PUBLIC_NODE_URL: config.publicNodeUrl ?? (config.rpcUrl ? '' : chain.rpcUrl),
      MODELCOMMONS_AUTH: config.auth,
    }
    return { env, databaseUrl, rpcUrl: chain.rpcUrl, deployment, local: !config.rpcUrl, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Before anything starts. What a killed process left running in this home does not count: it is adopted or ended.
 *  @throws ConfigError that names the variable. */
async function requireEmbeddedPorts(config: Config): Promise<void> {
  const { CHAIN_PORT, DATABASE_PORT } = embeddedPorts(config)
  if (DATABASE_PORT && !(await runningPostgres(join(config.home, 'postgres'))))
    await requireFreeEmbeddedPort('DATABASE_PORT', DATABASE_PORT)
  if (!CHAIN_PORT) return
  await stopStaleAnvil(embeddedChainFiles(config.home).pidFile)
  await requireFreeEmbeddedPort('CHAIN_PORT', CHAIN_PORT)
}

async function startEmbeddedPostgres(
  { home, embeddedPorts: { DATABASE_PORT: port } }: Config,
  log: Logger,
  stops: (() => Promise<void>)[],
): Promise<string> {
  const server = await startPostgres(join(home, 'postgres'), { port })
  if (server.adopted) log.info('reusing the embedded PostgreSQL that an earlier process left running')
  const abort = new AbortController()
  const watch = (async () => {
    while (!abort.signal.aborted) {
      await sleep(HEALTH_CHECK_MS, undefined, { signal: abort.signal }).catch(() => {})
      if (abort.signal.aborted) break
      await server.revive().then(
        (revived) => revived && log.warn('the embedded PostgreSQL had died; it was restarted at the same address'),
        (error) => log.error({ error: (error as Error).message }, 'the embedded PostgreSQL cannot be restarted'),
      )
    }
  })()
  stops.push(async () => {
    abort.abort()
    await watch
    await server.stop()
  })
  return server.url
}

async function startEmbeddedChain(
  { home, embeddedPorts: { CHAIN_PORT: port } }: Config,
  log: Logger,
  stops: (() => Promise<void>)[],
) {
  const { stateFile, deploymentFile, pidFile } = embeddedChainFiles(home)
  const chain = await runEmbeddedChain(
    {
      port,
      stateFile,
      pidFile,
      genesisTimestamp: GENESIS,
      blockInterval: BLOCK_SECONDS,
      accounts: FUNDED_ACCOUNTS,
      balance: FUNDED_TOKENS,
    },
    log,
  )
  stops.push(chain.stop)
  const operator = embeddedOperator()
  if (!(await isDeployed(deploymentFile, chain.url))) {
    const deployment = await deployContracts(http(chain.url), operator, demoHolders(operator.address), DEMO_SETTINGS)
    await writeDeployment(deploymentFile, deployment)
    log.info({ chainId: deployment.chainId }, 'deployed the contracts to the embedded chain')
  }
  stops.push(await announceChain(home, chain.url))
  return { rpcUrl: chain.url, deploymentFile, operatorKey: embeddedOperatorKey() }
}

/** A start that was killed may have left only the file, or only the contracts. */
async function isDeployed(deploymentFile: string, url: string): Promise<boolean> {
  if (!existsSync(deploymentFile)) return false
  const { addresses } = await readDeployment(deploymentFile)
  return (await rpc(url, 'eth_getCode', [addresses.ModelRegistry, 'latest'])) !== '0x'
}

/** Deploys the contracts from `deployer`. @throws Error when the chain refuses. */
export async function deployContracts(
  transport: Transport,
  deployer: Account,
  holders: Holders,
  settings: Settings,
): Promise<Deployment> {
  const client = createPublicClient({ transport, pollingInterval: 50 }) as PublicClient
  const wallet = createWalletClient({
    account: deployer,
    transport,
    chain: undefined as Chain | undefined,
  })
  return deployAll(wallet, client, holders, settings)
}
