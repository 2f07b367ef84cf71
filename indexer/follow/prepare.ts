import { createHash } from 'node:crypto'
import { backfillTotals } from '#schema/totals.ts'
import { ChainCache } from '../chain/cache.ts'
import { type Source, sourceOf, unlessUnavailable } from '../chain/source.ts'
import { type FollowedDeployment, type ResolvedDeployment, resolveDeployment } from '../deployment.ts'
import { ContractAnswers } from '../governors/answers.ts'
import { factsOf, probeDeployment } from '../governors/probe.ts'
import { asJson } from '../governors/profile.ts'
import type { IndexerOptions } from '../options.ts'
import { endpointsIn, openRpc } from '../rpc/open.ts'
import { type Rpc, redactedUrl } from '../rpc/rpc.ts'
import { backfillStateRoots } from '../store/backfillStateRoots.ts'
import type { Position } from '../store/cursor.ts'
import type { ChainLease } from '../store/lease.ts'
import { AskedBlocks, recordedFacts } from './askedBlocks.ts'
import { newCounters } from './counters.ts'
import { Failures } from './failures.ts'
import type { FollowerContext } from './follower.ts'
import { type RpcEvents, rpcEvents } from './rpcEvents.ts'
import { requireChain, requireClocks, requireHistory, startPosition, tellGaps } from './start.ts'

interface Prepared {
  context: FollowerContext
  position: Position
}

/** What is opened once, whatever fails afterwards. */
interface Opened {
  rpc: Rpc
  events: RpcEvents
  cache: ChainCache | undefined
}

/** Opens the endpoints and the cache, checks that chain, database and deployment fit together, and finds the position to start from. While
 *  the node or the database is not available, it tries again until `signal` aborts. */
export async function prepare(
  options: IndexerOptions,
  lease: ChainLease,
  signal: AbortSignal,
  patienceMs: number,
): Promise<Prepared & { failures: Failures }> {
  const { rpcUrl, deployment, patience, cacheFolder, atStart = 'retry', log } = options
  const { chainId } = deployment
  const counters = options.counters ?? newCounters()
  const failures = new Failures(counters, { details: { chainId }, signal, delayMs: patience?.delayMs, log })
  const events = rpcEvents(counters, chainId, log)
  const rpc = openRpc(rpcUrl, { ...patience, signal, ...events.transport }, events.endpoints)
  const cache = cacheFolder === undefined ? undefined : openCache(cacheFolder, deployment)
  if (cache) signal.addEventListener('abort', () => cache.close(), { once: true })
  log?.info({ chainId, endpoints: endpointsIn(rpcUrl).map(redactedUrl) }, 'Connecting to RPC_URL')
  const opened = { rpc, events, cache }
  const { resolved, source, position, probed, askedBlocks } =
    atStart === 'fail'
      ? await check(options, opened)
      : await failures.retried(() => check(options, opened), 'The start failed; retrying')
  const context: FollowerContext = {
    ...resolved,
    db: options.db,
    lease,
    source,
    askedBlocks,
    probed,
    askAgain: async (governors) => {
      const { resolved, position: _, ...asked } = await check(options, opened, governors)
      return { ...resolved, ...asked }
    },
    deepReorganisation: options.deepReorganisation ?? 'stop',
    keptRows: options.keptRows,
    patienceMs,
    deepReorgPatienceMs: patience?.deepReorgMs,
    signal,
    counters,
    log,
  }
  return { context, position, failures }
}

/** @param again the Governors that are asked again, whatever is recorded. */
async function check(options: IndexerOptions, { rpc, events, cache }: Opened, again: readonly string[] = []) {
  const { db, deployment, confirmations, finality } = options
  const { chainId } = deployment
  const known = await recordedFacts(db, again)
  const checked = requireChain(rpc, chainId)
    .then(() => requireHistory(db, rpc, chainId))
    .then(() => probeDeployment(rpc, deployment, known))
  const probed = await unlessUnavailable(checked, () => cache?.notes() as FollowedDeployment | undefined)
  const resolved = resolveDeployment(probed, new ContractAnswers(rpc, cache))
  const { onDisagreement, onNoWitness } = events
  const source = sourceOf(resolved, rpc, { confirmations, finality, cache, onDisagreement, onNoWitness })
  const facts = factsOf(probed)
  const position = await startPosition(db, source, resolved, facts)
  await requireClocks(db, resolved)
  if (cache) await startCache(cache, source, resolved, probed)
  await backfillStateRoots(db, resolved)
  await db.transaction(async (sql) => {
    await sql.query('select from cursor where id = $1 for update', [String(chainId)]) // no batch is stored meanwhile
    await backfillTotals(sql)
  })
  await tellGaps(db, probed, deployment, options.log)
  return { resolved, source, position, probed, facts, askedBlocks: new AskedBlocks(facts) }
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

/** The cache file is named after the chain and the deployment as configured. */
function openCache(folder: string, deployment: FollowedDeployment): ChainCache {
  const hash = createHash('sha256')
    .update(JSON.stringify(asJson(deployment)).toLowerCase())
    .digest('hex')
  return new ChainCache(folder, `${deployment.chainId}-${hash.slice(0, 16)}`)
}
