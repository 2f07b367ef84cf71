import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Config, ConfigError, readConfig } from '#config'
import { openGateway } from '#gateway/index.ts'
import { startApi } from '#graphql/index.ts'
import { LIMITS } from '#graphql/plugins/limits.ts'
import { type PersistedQueries, readPersistedQueries } from '#graphql/plugins/persistedQueries.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { answerJournal } from '#schema/journal/answers.ts'
import { migrate } from '#schema/migrate.ts'
import { openQueues } from '#schema/queue.ts'
import { grantReader, READER } from '#schema/reader.ts'
import { mapTermsOf } from '#schema/removeTexts.ts'
import { serveAnswerStreams } from '#workers/answerStreams.ts'
import { type ChainClient, openChainClient } from '#workers/chain.ts'
import { drawOpenRounds } from '#workers/drawOpenRounds.ts'
import { type LaneEngines, startEnginePool } from '#workers/enginePool.ts'
import { createHandlers } from '#workers/handlers/index.ts'
import { startWorker } from '#workers/index.ts'
import { postLedger } from '#workers/ledger/postLedger.ts'
import { periodically } from '#workers/periodically.ts'
import { openRelayer } from '#workers/relay/openRelayer.ts'
import { createTextRemoval } from '#workers/removeOldTexts.ts'
import { replayMissingAnswers } from '#workers/replayAnswers.ts'
import { resolveOpenDisputes } from '#workers/resolveOpenDisputes.ts'
import { offerUsage } from '#workers/settlement/offerUsage.ts'
import { applySettlementPolicy } from '#workers/settlement/policy.ts'
import { startSteward } from '#workers/steward/index.ts'
import { readStewardFile } from '#workers/steward/policyFile.ts'
import { createWarmUp } from '#workers/warmUp.ts'
import { openApiMetrics } from './apiMetrics.ts'
import { storeObserver } from './artifactMetrics.ts'
import { openChainHead } from './chainHead.ts'
import { contractWallets } from './contractWallets.ts'
import { readDeployment } from './deployment.ts'
import { type GovernorOptions, namesGovernors } from './governors.ts'
import { hostsOf } from './hosts.ts'
import { configFor, indexedTargets } from './indexCommand.ts'
import { addIndexHealth } from './indexHealthMetrics.ts'
import { journalKeys } from './journalKeys.ts'
import { openLog } from './log.ts'
import { openStores } from './openArtifacts.ts'
import { openProcessMetrics } from './processMetrics.ts'
import { addQueueMetric } from './queueMetric.ts'
import { addRelayMetric, UNSERVED_HERE, watchRelay } from './relayServed.ts'
import { requireFreePort } from './requireFreePort.ts'
import { runService } from './service.ts'
import { serveStatus } from './statusServer.ts'
import { webFolder } from './webFolder.ts'
import { addEngineMetrics, addNodeMetric, addWarmUpMetric, addWorkerMetrics } from './workerMetrics.ts'
import { workerReady } from './workerReady.ts'
import { type SignerRoles, slotsOfSigner } from './workerSlots.ts'

/** The services, each in a process of its own, with the servers that the environment names. `up` runs them under its supervisor; run
 *  alone, they scale out over machines. */

const required = <K extends 'databaseUrl' | 'rpcUrl' | 'operatorKey'>(
  config: Config,
  key: K,
  variable: string,
): NonNullable<Config[K]> => {
  const value = config[key]
  if (value === undefined)
    throw new ConfigError(
      `${variable}: required to run this service alone. \`modelcommons up\` runs everything with embedded servers.`,
    )
  return value as NonNullable<Config[K]>
}

/** Longer than any statement of a worker takes. */
const ANSWER_TIMEOUT_MS = 300_000

/** Between two searches for endpoints whose models are not loaded yet. */
const WARM_UP_MS = 2_500

async function common(name: string) {
  const config = readConfig()
  const log = openLog(name, config)
  const databaseUrl = required(config, 'databaseUrl', 'DATABASE_URL')
  const rpcUrl = required(config, 'rpcUrl', 'RPC_URL')
  const deployment = await readDeployment(config.deployment as string)
  await migrate(databaseUrl)
  const db: Database = await openDatabase(databaseUrl, {
    name: `modelcommons ${name}`,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
  })
  return { config, log, databaseUrl, rpcUrl, deployment, db }
}

/** With options that select Governors: the API of their one chain. */
export const runApi = (options: GovernorOptions = {}) =>
  runService('api', async () => {
    const config = configFor(options)
    await requireFreePort(config)
    const log = openLog('api', config)
    const [following, ...others] = await indexedTargets({ startBlock: 0, ...options }, config)
    if (others.length)
      throw new ConfigError('--chain: required, because the file has several chains: an API serves one of them.')
    if (!following) throw new ConfigError('The configuration names no chain.')
    const { databaseUrl, deployment: followed } = following
    const own = namesGovernors(options) ? undefined : await readDeployment(config.deployment as string)
    const deployment = {
      chainId: followed.chainId,
      addresses: followed.addresses as Record<string, string>,
      hosts: own ? hostsOf(config, own) : [],
      settings: own?.settings,
      nodeUrl: config.publicNodeUrl,
    }
    const db = await openDatabase(databaseUrl, {
      name: 'modelcommons api',
      statementTimeoutMs: LIMITS.statementMs,
    })
    const queues = await openQueues({ ...config, databaseUrl })
    const closing = new AbortController()
    const chainHead = following.rpcUrl ? openChainHead(following.rpcUrl, closing.signal) : undefined
    const verifySignature = following.rpcUrl ? contractWallets(following.rpcUrl, closing.signal) : undefined
    const { maxLagBlocks, maxUploadBytes, relay } = config
    const registry = openApiMetrics(db, config)
    addQueueMetric(registry, queues)
    if (relay) {
      addRelayMetric(registry, db)
      void watchRelay(db, log, closing.signal)
    }
    addIndexHealth(registry, { db, chainId: deployment.chainId, chainHead, maxLagBlocks })
    const { artifacts, ownArtifacts } = await openStores(config, log, storeObserver(registry))
    const { host, port, auth } = config
    const api = await startApi({
      db,
      queues,
      artifacts,
      ownArtifacts,
      log,
      host,
      port,
      auth,
      deployment,
      chainHead,
      maxLagBlocks,
      maxUploadBytes,
      relay,
      verifySignature,
      web: await webFolder(log),
      corsOrigins: config.corsOrigins,
      registry,
      gateway: openGateway,
      persistedQueries: await persistedQueriesOf(config),
    })
    const status = await serveStatus(config, 'API_METRICS_PORT', { registry, ready: api.ready })
    return {
      info: { url: api.url, statusUrl: status.url },
      async stop() {
        await status.close()
        await api.stop()
        closing.abort()
        await queues.close()
        await db.close()
      },
    }
  })

/** The queries of MODELCOMMONS_QUERIES. @throws ConfigError that names the variable when the file cannot be used. */
async function persistedQueriesOf({ queries, queriesOnly }: Config): Promise<PersistedQueries | undefined> {
  if (!queries) return undefined
  try {
    return readPersistedQueries(await readFile(queries, 'utf8'), queriesOnly)
  } catch (cause) {
    throw new ConfigError(`MODELCOMMONS_QUERIES: ${queries} cannot be used: ${(cause as Error).message}`, { cause })
  }
}

export const runWorker = () =>
  runService('worker', async () => {
    const { config, log, databaseUrl, rpcUrl, deployment, db } = await common('worker')
    const { redeemAfterMs, redeemMin, publisherUrl } = config
    const file = config.stewardFile ? await readStewardFile(config.stewardFile) : undefined
    const operatorKey = required(config, 'operatorKey', 'OPERATOR_KEY')
    const queues = await openQueues({ ...config, databaseUrl })
    const registry = openProcessMetrics(config)
    addQueueMetric(registry, queues)
    const { artifacts, checkpoints, objects } = await openStores(config, log, storeObserver(registry))
    const journal = answerJournal(objects, await journalKeys(config))
    if (config.s3 && !config.journalKeys)
      log.warn(
        'JOURNAL_KEY is not set: each host seals the journal of answers with a key of its own, and only that host can read it',
      )
    await replayMissingAnswers({ db, journal }, log)
    const tellCircuit = addNodeMetric(registry)
    const chain = await openChainClient({
      rpcUrl,
      deployment,
      operatorKey,
      db,
      log,
      maxFee: config.maxFee,
      node: {
        breaker: {
          onChange(state) {
            tellCircuit(state)
            if (state.open)
              log.error({ err: state.cause }, 'the node of RPC_URL does not answer: it is not asked for a while')
            else log.info('the node of RPC_URL answers again')
          },
        },
      },
    })
    const relayer = config.relayerKey
      ? await openRelayer({
          ...{ rpcUrl, deployment, db, log, maxFee: config.maxFee },
          ...{ relayerKey: config.relayerKey, maxGas: config.relayGasPerAct },
        })
      : undefined
    if (config.relay && !relayer) log.warn(UNSERVED_HERE)
    const roles = await rolesOfSigner(chain)
    const slots = slotsOfSigner(config, roles)
    log.info({ account: chain.account, ...roles, slots }, 'the lanes that this key may run')
    if (!roles.operates && !roles.resolves)
      log.warn(
        { account: chain.account },
        'the account of OPERATOR_KEY has no role: the contracts will refuse what it writes',
      )
    const engines: LaneEngines = startEnginePool({
      device: config.device,
      log,
      attributions: slots.attribute,
      trainings: slots.training,
      idleMs: config.engineIdleMs,
      onStart: addEngineMetrics(registry, () => engines.figures()),
    })
    const streams = await serveAnswerStreams(config.streams)
    const worker = await startWorker({
      db,
      queues,
      artifacts,
      chain,
      handlers: createHandlers({
        engines,
        cache: join(config.home, 'cache'),
        deployment,
        journal,
        streams,
        hosts: hostsOf(config, deployment),
        redeemMin,
        usageWaitSeconds: config.usageWaitSeconds,
        relayer,
      }),
      log,
      slots,
      streams,
      retentionDays: config.jobRetentionDays,
      device: config.device,
      checkpoints: join(config.home, 'checkpoints'),
      checkpointStore: checkpoints,
      onDatabaseReturn: () => replayMissingAnswers({ db, journal }, log),
      maintenance: {
        'posting of the ledger': () => postLedger({ db, artifacts, deployment }),
        'removal of old prompts and answers': createTextRemoval({
          ...{ db, journal, log, terms: mapTermsOf({ ...deployment.settings }), days: config.textRetentionDays },
        }),
        ...(relayer && { 'rebroadcast of relayed transactions': () => relayer.rebroadcast() }),
        ...(slots.recourse > 0 && { 'start of resolutions': () => resolveOpenDisputes({ db, queues, chain, log }) }),
        ...(slots.chain > 0 && {
          'start of settlements': () =>
            applySettlementPolicy({
              ...{ db, queues, account: chain.account, publishes: roles.operates },
              ...{ redeemAfterMs, redeemMin },
            }),
          ...(roles.operates && { 'draw of seats': () => drawOpenRounds({ db, chain, log }) }),
          ...(publisherUrl &&
            !roles.operates && {
              'offer of usage documents': () =>
                offerUsage({ db, artifacts, chain, log, publisherUrl, usageWaitSeconds: config.usageWaitSeconds }),
            }),
        }),
      },
    })
    addWorkerMetrics(registry, worker, relayer ? [chain, relayer] : [chain])
    const warmUp = createWarmUp({
      ...{ db, artifacts, cache: join(config.home, 'cache'), hosts: hostsOf(config, deployment), engines, log },
      onOutcome: addWarmUpMetric(registry),
    })
    const stopWarmUp =
      config.engineWarmUp && slots.infer > 0
        ? periodically('warm-up of models', WARM_UP_MS, warmUp, log, 'now')
        : undefined
    const steward =
      config.steward && slots.chain > 0
        ? await startSteward({
            ...{ db, queues, artifacts, log, account: chain.account, operates: roles.operates },
            dailySpendBps: await chain.read('ModelRegistry', 'dailySpendBps', []),
            file,
            settlements: { redeemAfterMs, redeemMin },
          })
        : undefined
    const status = await serveStatus(config, 'WORKER_PORT', {
      registry,
      ready: () => workerReady({ db, queues }, worker.id),
    })
    return {
      info: { id: worker.id, statusUrl: status.url },
      async stop() {
        stopWarmUp?.()
        await status.close()
        await steward?.stop()
        await worker.stop()
        await streams.close()
        await engines.close()
        await queues.close()
        await db.close()
      },
    }
  })

async function rolesOfSigner({ read, account }: ChainClient): Promise<SignerRoles> {
  const [trainer, resolver] = await Promise.all([
    read('ModelRegistry', 'TRAINER_ROLE', []),
    read('Disputes', 'RESOLVER_ROLE', []),
  ])
  const [operates, resolves] = await Promise.all([
    read('ModelRegistry', 'hasRole', [trainer, account]),
    read('Disputes', 'hasRole', [resolver, account]),
  ])
  return { operates, resolves }
}

/** `modelcommons migrate`: also creates the role that may only read, when it is given a password. */
export async function runMigrations(): Promise<void> {
  const config = readConfig(process.env, { requireDeployment: false })
  const databaseUrl = required(config, 'databaseUrl', 'DATABASE_URL')
  const ran = await migrate(databaseUrl)
  console.log(ran.length ? `Migrated: ${ran.join(', ')}.` : 'The schema is up to date.')
  const password = config.databaseReaderPassword
  if (!password) return
  const db = await openDatabase(databaseUrl, { max: 1 })
  try {
    await grantReader(db, password)
    console.log(`The role ${READER} may read the database.`)
  } catch (cause) {
    throw new ConfigError(
      `DATABASE_READER_PASSWORD: the role ${READER} cannot be created or changed by the user of DATABASE_URL. Let it create roles, or unset DATABASE_READER_PASSWORD.`,
      { cause },
    )
  } finally {
    await db.close()
  }
}
