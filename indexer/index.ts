import { createHash } from 'node:crypto'
import type { Database } from '#schema/database.ts'
import { isRetriable } from '#schema/errors.ts'
import { ChainCache } from './chain/cache.ts'
import { type Source, unlessAway } from './chain/source.ts'
import { IndexerError } from './errors.ts'
import {
  begin,
  endpointsIn,
  type FollowedDeployment,
  openRpc,
  type Place,
  placeOf,
  requireChain,
  requireHistory,
  sourceOf,
} from './follow/begin.ts'
import { type Chain, Follower } from './follow/follow.ts'
import { type Counters, newCounters } from './follow/metrics.ts'
import { Pause } from './follow/pause.ts'
import { resolve } from './governors/probe.ts'
import { backoff, type RpcOptions, shownUrl } from './rpc/rpc.ts'
import { gatewayHeight, runProcessorProcess } from './squid/backfill.ts'
import type { Position } from './store/cursor.ts'
import { ChainLock } from './store/lock.ts'
import { fillRoots } from './store/reroot.ts'

export { announcementOf, type Factory, FOLLOWS } from './chain/children.ts'
export { IndexerError } from './errors.ts'
export type { FollowedDeployment } from './follow/begin.ts'
export type { Counters } from './follow/metrics.ts'
export type { FollowedGovernor } from './governors/governances.ts'

/** Messages about what the indexer does; `console` and pino fit. */
export interface Log {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

export interface IndexerOptions {
  db: Database
  /** http(s) or ws(s); over ws the node's announcements of new heads are heard at once. Several, separated by commas, stand in for
   *  each other and are compared. */
  rpcUrl: string
  deployment: FollowedDeployment
  log?: Log
  signal?: AbortSignal
  /** Milliseconds between looks at the head: 50 on this machine's own chain, else 1,000. */
  pollMs?: number
  /** Counts blocks as final so far behind the head, instead of asking for the chain's `finalized` block. */
  confirmations?: number
  /** The tag that says which block is final where none are counted: `finalized` (the default) or `safe`. */
  finality?: 'finalized' | 'safe'
  /** A Subsquid Network gateway of this chain: `@subsquid/evm-processor` fetches its final blocks before the node is asked. */
  gatewayUrl?: string
  /** A folder that keeps what final blocks said, so that indexing anew needs no node. */
  cacheFolder?: string
  /** Of how many ranges one has its logs compared between endpoints. */
  compareEvery?: number
  /** Rows of each table that stay in memory from batch to batch: 4,000. */
  keptRows?: number
  /** When a final block is no longer on the chain: `stop` with an error (the default), or `rewind`. */
  deepReorganisation?: 'stop' | 'rewind'
  /** How long an answer may take; the shortest wait before another try, of the node's answers and of whole rounds; how long the node
   *  must show a chain without a final block until it is believed. */
  patience?: Pick<RpcOptions, 'timeoutMs' | 'delayMs'> & { graveMs?: number }
}

export interface IndexerStatus extends Position {
  chainId: number
  /** waiting: another indexer holds the chain; retrying: see `problem`. */
  state: 'waiting' | 'running' | 'retrying' | 'stopped'
  problem?: string
  counters: Readonly<Counters>
}

export interface Indexer {
  /** Settles when the indexer has stopped: rejects with an IndexerError when it cannot go on. */
  stopped: Promise<void>
  /** Resolves once the rows of `block` are stored (without it: of the block that is the head now). Rejects when the indexer stops. */
  caughtUp(block?: bigint | number): Promise<void>
  status(): IndexerStatus
}

const LOCAL = /^(127\.0\.0\.1|localhost|\[::1\])$/
const LOCAL_POLL_MS = 50
const POLL_MS = 1_000
/** A node behind a load balancer may lag for some polls; on one's own chain there is only one node. */
const PATIENCE_POLLS = 10

/** Starts to follow the chain into the on-chain tables, from where the cursor stands, until `signal` aborts.
 *  Node and database may go away and come back: it waits and goes on. A second indexer of the same chain and database waits.
 *  @throws IndexerError when the RPC endpoint is of another chain, the start block lies in the future, or the database
 *  holds the index of something else; RpcUnavailable when no node answers. */
export async function startIndexer(options: IndexerOptions): Promise<Indexer> {
  const { db, rpcUrl, deployment, log } = options
  const stop = new AbortController() // closes connections when the indexer ends by itself
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const urls = endpointsIn(rpcUrl)
  const local = urls.every((url) => LOCAL.test(new URL(url).hostname))
  const pollMs = options.pollMs ?? (local ? LOCAL_POLL_MS : POLL_MS)
  try {
    const patienceMs = local && urls.length === 1 ? 0 : pollMs * PATIENCE_POLLS
    const { chain, position, known } = await prepare(options, signal, patienceMs)
    const lock = new ChainLock(db, deployment.chainId)
    const follower = new Follower(chain, position)
    const backfill = () => backfillFrom({ ...options, deployment: known }, chain, follower)
    const pace = { pollMs, delayMs: options.patience?.delayMs }
    const indexer = run(chain, follower, lock, pace, backfill, log)
    indexer.stopped.then(
      () => stop.abort(),
      () => stop.abort(),
    )
    return indexer
  } catch (error) {
    stop.abort()
    throw error
  }
}

async function prepare(options: IndexerOptions, signal: AbortSignal, patienceMs: number) {
  const { db, rpcUrl, deployment, confirmations, deepReorganisation = 'stop' } = options
  const counters = newCounters()
  const asks = {
    ...options.patience,
    signal,
    onRequest(calls: number) {
      counters.requests++
      counters.calls += calls
    },
  }
  const rpc = openRpc(rpcUrl, asks, () => counters.failovers++)
  const cache = options.cacheFolder === undefined ? undefined : openCache(options.cacheFolder, deployment)
  if (cache) signal.addEventListener('abort', () => cache.close(), { once: true })
  const noted = () => cache?.noted() as FollowedDeployment | undefined
  const known = await unlessAway(
    requireChain(rpc, deployment.chainId)
      .then(() => requireHistory(db, rpc, deployment.chainId))
      .then(() => resolve(rpc, deployment)),
    noted,
  )
  const place = placeOf(known)
  const onDisagreement = () => void counters.disagreements++
  const source = sourceOf(place, rpc, {
    confirmations,
    finality: options.finality,
    cache,
    compareEvery: options.compareEvery,
    onDisagreement,
  })
  const position = await begin(db, source, place)
  if (cache) await beginCache(cache, source, place, known)
  await fillRoots(db, place)
  const gravePatienceMs = options.patience?.graveMs
  const chain: Chain = {
    ...place,
    db,
    source,
    deepReorganisation,
    keptRows: options.keptRows,
    patienceMs,
    gravePatienceMs,
    signal,
    counters,
  }
  return { chain, position, known }
}

/** Makes the cache one of this deployment on this chain. */
async function beginCache(cache: ChainCache, source: Source, place: Place, known: FollowedDeployment) {
  const { chainId, contracts, topics, startBlock } = place
  const [base] = await source.headers([startBlock - 1])
  if (base) cache.begin({ chainId, addresses: Object.values(contracts), topics, base }, plain(known))
}

/** A deployment as JSON: integers beyond its range become decimal texts, which are read the same. */
const plain = (deployment: FollowedDeployment) =>
  JSON.parse(JSON.stringify(deployment, (_, value) => (typeof value === 'bigint' ? value.toString() : value)))

/** The cache of what was asked for, by the chain and by all that names a contract. */
function openCache(folder: string, deployment: FollowedDeployment): ChainCache {
  const asked = createHash('sha256')
    .update(JSON.stringify(plain(deployment)).toLowerCase())
    .digest('hex')
  return new ChainCache(folder, `${deployment.chainId}-${asked.slice(0, 16)}`)
}

/** Final blocks from the gateway, where one is given that has some we lack. */
async function backfillFrom(options: IndexerOptions, chain: Chain, follower: Follower) {
  const { db, gatewayUrl, deployment, log } = options
  if (!gatewayUrl) return
  if (chain.children.factories.length)
    return log?.warn({ gatewayUrl: shownUrl(gatewayUrl) }, 'No gateway is asked: it cannot follow what factories make')
  const { source, signal } = chain
  const [height, { final }] = [await gatewayHeight(gatewayUrl, signal), await source.tip()]
  const toBlock = Math.min(height, final)
  if (toBlock <= follower.position.block) return
  log?.info({ from: follower.position.block + 1, to: toBlock }, 'Fetching final blocks from the gateway')
  const needs = { databaseUrl: db.url, deployment, gatewayUrl, toBlock, confirmations: 0 }
  await runProcessorProcess(needs, signal)
  await follower.reload()
}

function run(
  chain: Chain,
  follower: Follower,
  lock: ChainLock,
  { pollMs, delayMs }: { pollMs: number; delayMs?: number },
  backfill: () => Promise<void>,
  log: Log | undefined,
): Indexer {
  const { chainId, source, counters, signal } = chain
  const pause = new Pause()
  source.rpc.onHead?.(() => pause.poke())
  const waiting = new Set<{ block: number; hash?: string; done: () => void; fail: (error: Error) => void }>()
  let state: IndexerStatus['state'] = 'waiting'
  let problem: string | undefined

  const release = () => {
    const { block, hash } = follower.position
    for (const one of waiting)
      if (block > one.block || (block === one.block && (!one.hash || one.hash === hash))) {
        waiting.delete(one)
        one.done()
      }
  }

  /** What the other indexer does is known here, too. */
  async function wait(first: boolean) {
    state = 'waiting'
    if (first) log?.info({ chainId }, 'Another indexer follows this chain into this database: waiting')
    await follower.reload()
    release()
  }

  async function loop() {
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (await lock.hold(signal, wait)) {
          await follower.reload()
          await backfill()
        }
        const changed = await follower.round()
        failures = 0
        state = 'running'
        problem = undefined
        release()
        if (!changed) await pause.wait(pollMs, signal)
      } catch (error) {
        if (signal.aborted) return
        if (!isRetriable(error)) throw error
        state = 'retrying'
        problem = (error as Error).message
        counters.failures++
        if (failures === 0) log?.warn({ chainId, problem }, 'The indexer tries again')
        await backoff(Math.min(failures++, 5), { signal, delayMs }).catch(() => {})
      }
    }
  }

  const stopped = loop().finally(async () => {
    state = 'stopped'
    await lock.release()
  })
  /** Rejects with the reason of the stop. */
  const ended: Promise<never> = stopped.then(() => {
    throw new IndexerError('The indexer was stopped')
  })
  ended.catch((error: Error) => {
    problem = error.message
    for (const one of waiting) one.fail(error)
    waiting.clear()
  })

  /** The block that is the head now. A stop cuts the question short: then its reason is the answer. */
  const headNow = async () => {
    try {
      const { head } = await source.tip()
      return { block: head.number, hash: head.hash }
    } catch (error) {
      if (signal.aborted || state === 'stopped') return ended
      throw error
    }
  }

  return {
    stopped,
    async caughtUp(block) {
      const wanted = block === undefined ? await headNow() : { block: Number(block) }
      if (state === 'stopped') return ended
      await new Promise<void>((done, failed) => {
        waiting.add({ ...wanted, done, fail: failed })
        pause.poke()
        release()
      })
    },
    status: () => ({ chainId, ...follower.position, headBlock: counters.headBlock, state, problem, counters }),
  }
}
