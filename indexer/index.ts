import type { ContractName } from '#contracts/events.ts'
import { topicsOf } from '#contracts/events.ts'
import type { Database } from '#schema/database.ts'
import { beginAt, type Contracts, type Position, readCursor } from './cursor.ts'
import { IndexerError, isRetriable } from './errors.ts'
import type { Clock } from './events.ts'
import { type Chain, Follower } from './follow.ts'
import { ChainLock } from './lock.ts'
import { type Counters, newCounters } from './metrics.ts'
import { Pause } from './pause.ts'
import { backoff, httpRpc, type Rpc, type RpcOptions } from './rpc.ts'
import { Source } from './source.ts'
import { webSocketRpc } from './websocket.ts'

export { IndexerError } from './errors.ts'
export type { Counters } from './metrics.ts'

/** Where the contracts stand. `startBlock`: the first block that may hold one of their events. */
export interface FollowedDeployment {
  chainId: number
  startBlock: bigint | number
  addresses: Partial<Record<ContractName, string>>
}

/** Messages about what the indexer does; `console` and pino fit. */
export interface Log {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

export interface IndexerOptions {
  db: Database
  /** http(s) or ws(s); over ws the node's announcements of new heads are heard at once. */
  rpcUrl: string
  deployment: FollowedDeployment
  log?: Log
  signal?: AbortSignal
  /** Milliseconds between looks at the head: 50 on this machine's own chain, else 1,000. */
  pollMs?: number
  /** Counts blocks as final so far behind the head, instead of asking for the chain's `finalized` block. */
  confirmations?: number
  /** When a final block is no longer on the chain: `stop` with an error (the default), or `rewind`. */
  deepReorganisation?: 'stop' | 'rewind'
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
  const local = LOCAL.test(new URL(rpcUrl).hostname)
  const pollMs = options.pollMs ?? (local ? LOCAL_POLL_MS : POLL_MS)
  try {
    const { chain, position } = await prepare(options, signal, local ? 0 : pollMs * PATIENCE_POLLS)
    const lock = new ChainLock(db, deployment.chainId)
    const indexer = run(chain, new Follower(chain, position), lock, pollMs, log)
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
  const rpc = openRpc(rpcUrl, {
    signal,
    onRequest(calls) {
      counters.requests++
      counters.calls += calls
    },
  })
  const contracts = lowerCase(deployment.addresses)
  const names = Object.keys(contracts) as ContractName[]
  const topics = [...new Set(names.flatMap(topicsOf))]
  const source = new Source(rpc, { addresses: Object.values(contracts), topics }, { confirmations })
  const startBlock = Math.max(1, Number(deployment.startBlock))
  const position = await begin(options, source, contracts, startBlock)
  const followed = new Map(names.map((name) => [contracts[name]!, name]))
  const clock = await clockOf(rpc, contracts.GOpen)
  const { chainId } = deployment
  const settings = { startBlock, deepReorganisation, patienceMs, signal, counters }
  const chain: Chain = { db, source, chainId, contracts, followed, clock, ...settings }
  return { chain, position }
}

function run(chain: Chain, follower: Follower, lock: ChainLock, pollMs: number, log: Log | undefined): Indexer {
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

  async function loop() {
    for (let failures = 0; !signal.aborted; ) {
      try {
        const wait = () => log?.info({ chainId }, 'Another indexer follows this chain into this database: waiting')
        if (await lock.hold(signal, wait)) await follower.reload()
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
        await backoff(Math.min(failures++, 5), signal).catch(() => {})
      }
    }
  }

  const stopped = loop().finally(async () => {
    state = 'stopped'
    await lock.release()
  })
  stopped.then(
    () => fail(new IndexerError('The indexer was stopped')),
    (error: Error) => fail(error),
  )
  const fail = (error: Error) => {
    problem = error.message
    for (const one of waiting) one.fail(error)
    waiting.clear()
  }

  return {
    stopped,
    async caughtUp(block) {
      const wanted: { block: number; hash?: string } =
        block === undefined
          ? await source.tip().then(({ head }) => ({ block: head.number, hash: head.hash }))
          : { block: Number(block) }
      if (state === 'stopped') throw new IndexerError(problem ?? 'The indexer was stopped')
      await new Promise<void>((done, failed) => {
        waiting.add({ ...wanted, done, fail: failed })
        pause.poke()
        release()
      })
    },
    status: () => ({ chainId, ...follower.position, headBlock: counters.headBlock, state, problem, counters }),
  }
}

/** Where to start: the cursor, or the block before the deployment. */
async function begin(options: IndexerOptions, source: Source, contracts: Contracts, start: number): Promise<Position> {
  const { db, deployment } = options
  const { chainId } = deployment
  const actual = await source.chainId()
  if (actual !== chainId)
    throw new IndexerError(
      `RPC_URL leads to chain ${actual}, but the contracts stand on chain ${chainId}. Correct RPC_URL or the deployment.`,
    )
  const stored = await readCursor(db, chainId, contracts)
  if (stored) return stored
  const { head } = await source.tip()
  if (start > head.number + 1)
    throw new IndexerError(
      `The deployment's start block ${start} lies in the future: chain ${chainId} is at block ${head.number}. Correct startBlock, or RPC_URL.`,
    )
  const [base] = await source.headers([start - 1])
  if (!base)
    throw new IndexerError(`The node has no block ${start - 1}, from which indexing would start: use one with history.`)
  await beginAt(db, chainId, base, head.number, contracts)
  return (await readCursor(db, chainId, contracts))!
}

/** Whether the token counts seconds or blocks (ERC-6372). */
async function clockOf(rpc: Rpc, token: string | undefined): Promise<Clock> {
  const CLOCK_MODE = '0x4bf5d7e9'
  if (!token) return 'blocknumber'
  const mode = await rpc.request('eth_call', [{ to: token, data: CLOCK_MODE }, 'latest']).catch((error) => {
    if (error.name === 'RpcError') return '0x' // older tokens count blocks and do not say so
    throw error
  })
  return Buffer.from(String(mode).slice(2), 'hex').includes('timestamp') ? 'timestamp' : 'blocknumber'
}

const openRpc = (url: string, options: RpcOptions): Rpc =>
  url.startsWith('ws') ? webSocketRpc(url, options) : httpRpc(url, options)

const lowerCase = (addresses: FollowedDeployment['addresses']): Record<string, string> =>
  Object.fromEntries(Object.entries(addresses).map(([name, address]) => [name, address!.toLowerCase()]))
