import { Follower } from './follow/follower.ts'
import { type Indexer, runLoop } from './follow/loop.ts'
import { prepare } from './follow/prepare.ts'
import type { IndexerOptions } from './options.ts'
import { endpointsIn } from './rpc/open.ts'
import { backfillFromGateway } from './squid/backfill.ts'
import { ChainLease } from './store/lease.ts'

export { announcementOf, CHILD_KINDS, type ContractFactory } from './chain/children.ts'
export type { FollowedDeployment } from './deployment.ts'
export { IndexerError } from './errors.ts'
export { type Counters, newCounters } from './follow/counters.ts'
export type { Indexer, IndexerStatus } from './follow/loop.ts'
export type { FollowedGovernor } from './governors/profile.ts'
export type { IndexerOptions, Logger } from './options.ts'

const LOCAL = /^(127\.0\.0\.1|localhost|\[::1\])$/
const LOCAL_POLL_MS = 50
const POLL_MS = 1_000
/** A node behind a load balancer may lag for some polls; a chain on this machine has only one node. */
const PATIENCE_POLLS = 10

/** Follows the chain into the on-chain tables, from the cursor on, until `signal` aborts.
 *  Node and database may be away at the start, or go away and come back: the indexer waits and goes on. A second indexer of the same
 *  chain and database waits.
 *  @throws IndexerError when the RPC endpoint serves another chain, denies access or lacks a method, the start block is in the future, or
 *  the database holds the index of something else; the reason of `signal` when it aborts during the start. */
export async function startIndexer(options: IndexerOptions): Promise<Indexer> {
  const { db, rpcUrl, deployment, log } = options
  const stop = new AbortController() // closes connections when the indexer ends by itself
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const urls = endpointsIn(rpcUrl)
  const local = urls.every((url) => LOCAL.test(new URL(url).hostname))
  const pollMs = options.pollMs ?? (local ? LOCAL_POLL_MS : POLL_MS)
  try {
    const patienceMs = local && urls.length === 1 ? 0 : pollMs * PATIENCE_POLLS
    const lease = new ChainLease(db, deployment.chainId, options.patience?.leaseMs)
    const { context, position, failures } = await prepare(options, lease, signal, patienceMs)
    const follower = new Follower(context, position)
    const backfill = () => backfillFromGateway({ ...options, deployment: context.probed }, context, follower)
    const indexer = runLoop(context, follower, lease, {
      pollMs,
      failures,
      backfill,
      stallMs: options.patience?.stallMs,
      log,
    })
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
