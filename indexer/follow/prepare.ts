import { createHash } from 'node:crypto'
import { ChainCache } from '../chain/cache.ts'
import { type Source, sourceOf, unlessUnavailable } from '../chain/source.ts'
import { type FollowedDeployment, type ResolvedDeployment, resolveDeployment } from '../deployment.ts'
import { probeDeployment } from '../governors/probe.ts'
import type { IndexerOptions } from '../options.ts'
import { openRpc } from '../rpc/open.ts'
import { backfillStateRoots } from '../store/backfillStateRoots.ts'
import type { Position } from '../store/cursor.ts'
import { newCounters } from './counters.ts'
import type { FollowerContext } from './follower.ts'
import { requireChain, requireHistory, startPosition } from './start.ts'

interface Prepared {
  context: FollowerContext
  position: Position
  /** The deployment with what its contracts answered. */
  probed: FollowedDeployment
}

/** Opens the endpoints and the cache, checks that chain, database and deployment fit together, and finds the position to start from. */
export async function prepare(options: IndexerOptions, signal: AbortSignal, patienceMs: number): Promise<Prepared> {
  const { db, rpcUrl, deployment, confirmations, deepReorganisation = 'stop', log } = options
  const { chainId } = deployment
  const counters = newCounters()
  const transport = {
    ...options.patience,
    signal,
    onRequest(calls: number) {
      counters.requests++
      counters.calls += calls
    },
  }
  const rpc = openRpc(rpcUrl, transport, {
    onFailover: () => void counters.failovers++,
    onLeftOut({ message: problem }) {
      counters.endpointsLeftOut++
      log?.warn({ chainId, problem }, 'An RPC endpoint is left out')
    },
  })
  const cache = options.cacheFolder === undefined ? undefined : openCache(options.cacheFolder, deployment)
  if (cache) signal.addEventListener('abort', () => cache.close(), { once: true })
  const checked = requireChain(rpc, chainId)
    .then(() => requireHistory(db, rpc, chainId))
    .then(() => probeDeployment(rpc, deployment))
  const probed = await unlessUnavailable(checked, () => cache?.notes() as FollowedDeployment | undefined)
  const resolved = resolveDeployment(probed)
  const source = sourceOf(resolved, rpc, {
    confirmations,
    finality: options.finality,
    cache,
    compareEvery: options.compareEvery,
    onDisagreement: () => void counters.disagreements++,
  })
  const position = await startPosition(db, source, resolved)
  if (cache) await startCache(cache, source, resolved, probed)
  await backfillStateRoots(db, resolved)
  const context: FollowerContext = {
    ...resolved,
    db,
    source,
    deepReorganisation,
    keptRows: options.keptRows,
    patienceMs,
    deepReorgPatienceMs: options.patience?.deepReorgMs,
    signal,
    counters,
    log,
  }
  return { context, position, probed }
}

/** Makes the cache one of this deployment on this chain. */
async function startCache(
  cache: ChainCache,
  source: Source,
  { chainId, contracts, topics, startBlock }: ResolvedDeployment,
  probed: FollowedDeployment,
) {
  const [base] = await source.headers([startBlock - 1])
  if (base) cache.start({ chainId, addresses: Object.values(contracts), topics, base }, asJson(probed))
}

/** A deployment as JSON values: a bigint becomes a decimal string, which is read the same. */
const asJson = (deployment: FollowedDeployment) =>
  JSON.parse(JSON.stringify(deployment, (_, value) => (typeof value === 'bigint' ? value.toString() : value)))

/** The cache file is named after the chain and the deployment as configured. */
function openCache(folder: string, deployment: FollowedDeployment): ChainCache {
  const hash = createHash('sha256')
    .update(JSON.stringify(asJson(deployment)).toLowerCase())
    .digest('hex')
  return new ChainCache(folder, `${deployment.chainId}-${hash.slice(0, 16)}`)
}
