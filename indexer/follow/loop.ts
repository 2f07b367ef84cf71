import { IndexerError } from '../errors.ts'
import type { Logger } from '../options.ts'
import type { Position } from '../store/cursor.ts'
import { type ChainLease, type LeaseHolder, LeaseLost } from '../store/lease.ts'
import type { Counters } from './counters.ts'
import { type Failures, isPassing } from './failures.ts'
import type { Follower, FollowerContext } from './follower.ts'
import { Pause } from './pause.ts'
import { watchStall } from './stall.ts'

export interface IndexerStatus extends Position {
  chainId: number
  /** waiting: another indexer holds the chain's lock; retrying: see `problem`. */
  state: 'starting' | 'waiting' | 'running' | 'retrying' | 'stopped'
  /** Whether this indexer holds the chain's lock. */
  active: boolean
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

export interface LoopOptions {
  pollMs: number
  failures: Failures
  /** Runs each time the lock was taken, before the first round. */
  backfill: () => Promise<void>
  /** How long the index may stand still before there is a warning. */
  stallMs?: number
  log?: Logger
}

/** Runs rounds until the signal aborts or one fails for good, while this process holds the chain's lock. */
export function runLoop(
  { db, chainId, startBlock, source, counters, signal }: FollowerContext,
  follower: Follower,
  lease: ChainLease,
  { pollMs, failures, backfill, stallMs, log }: LoopOptions,
): Indexer {
  const pause = new Pause()
  source.rpc.onHead?.(() => pause.wake())
  const waiting = new Set<{ block: number; hash?: string; done: () => void; fail: (error: Error) => void }>()
  let state: IndexerStatus['state'] = 'starting'
  let stopReason: string | undefined
  /** Since when, as a reading of the monotonic clock, this process has waited for the lock, and who held it last. */
  let standby: { since: number; holder?: string } | undefined
  /** The token of the lease under which `start` has run. */
  let startedUnder: number | undefined

  const release = () => {
    const { block, hash } = follower.position
    for (const one of waiting)
      if (block > one.block || (block === one.block && (!one.hash || one.hash === hash))) {
        waiting.delete(one)
        one.done()
      }
  }

  /** Follows the progress of the other indexer while waiting for its lock. */
  async function wait(other: LeaseHolder | undefined) {
    state = 'waiting'
    const holder = other?.holder
    if (!standby) log?.info({ chainId, holder }, 'Another indexer follows this chain into this database: waiting')
    if (other?.ended)
      log?.warn({ chainId, holder, silentMs: other.silentMs }, 'The other indexer is silent: its session was ended')
    standby = { since: standby?.since ?? performance.now(), holder: holder ?? standby?.holder }
    await follower.reload()
    failures.recovered()
    release()
  }

  /** After the lock was taken: nothing in memory may be trusted. */
  async function start() {
    await follower.reload()
    const { block } = follower.position
    if (!standby) {
      const database = new URL(db.url).pathname.slice(1)
      log?.info({ chainId, startBlock, block, database }, 'Indexing')
    } else {
      const { since, holder: from } = standby
      const waitedMs = performance.now() - since
      standby = undefined
      counters.takeovers++
      counters.standbyMs += waitedMs
      log?.info({ chainId, from, pid: process.pid, waitedMs: Math.round(waitedMs) }, 'Took over from another indexer')
    }
    await backfill()
    startedUnder = lease.token
  }

  lease.onLost = (problem) => {
    counters.leaseLosses++
    log?.warn({ chainId, problem }, 'The lock of the chain was lost')
  }

  /** A round under the lock. What a process that was frozen has in memory does not fit the rows that another indexer has stored meanwhile:
   *  it is a standby now. */
  async function round(): Promise<boolean> {
    try {
      if (lease.token !== startedUnder) await start()
      return await follower.round()
    } catch (cause) {
      if (isPassing(cause) || signal.aborted || !(await lease.wasTaken().catch(() => false))) throw cause
      throw new LeaseLost('Another indexer took over while this process stood still', { cause })
    }
  }

  async function loop() {
    while (!signal.aborted)
      try {
        await lease.hold(signal, wait)
        const changed = await round()
        state = 'running'
        failures.recovered()
        release()
        if (!changed) await pause.wait(pollMs, signal)
      } catch (failure) {
        if (signal.aborted) return
        if (!isPassing(failure)) throw failure
        state = 'retrying'
        failures.failed(failure, 'A round failed; retrying')
        await failures.pause().catch(() => {})
      }
  }

  const ended = new AbortController()
  void watchStall({
    chainId,
    rpc: source.rpc,
    counters,
    state: () => ({
      block: follower.position.block,
      active: lease.held || state === 'retrying',
      problem: failures.problem,
    }),
    signal: AbortSignal.any([signal, ended.signal]),
    stallMs,
    log,
  })
  const stopped = loop().finally(async () => {
    state = 'stopped'
    ended.abort()
    await lease.release()
  })
  /** Rejects with the reason of the stop. */
  const rejected: Promise<never> = stopped.then(() => {
    throw new IndexerError('The indexer was stopped')
  })
  rejected.catch((error: Error) => {
    stopReason = error.message
    for (const one of waiting) one.fail(error)
    waiting.clear()
  })

  /** The block that is the head now. When the indexer stops meanwhile, rejects with the reason of the stop. */
  const headNow = async () => {
    try {
      const { head } = await source.tip()
      return { block: head.number, hash: head.hash }
    } catch (error) {
      if (signal.aborted || state === 'stopped') return rejected
      throw error
    }
  }

  return {
    stopped,
    async caughtUp(block) {
      const wanted = block === undefined ? await headNow() : { block: Number(block) }
      if (state === 'stopped') return rejected
      await new Promise<void>((done, failed) => {
        waiting.add({ ...wanted, done, fail: failed })
        pause.wake()
        release()
      })
    },
    status: () => {
      const problem = stopReason ?? failures.problem
      return {
        chainId,
        ...follower.position,
        headBlock: counters.headBlock,
        state,
        active: lease.held,
        problem,
        counters,
      }
    },
  }
}
