import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../options.ts'
import { Endpoints } from '../rpc/endpoints.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { Counters } from './counters.ts'

/** How far the index is behind what the nodes say now. It is measured beside the rounds: a round that hangs or fails tells nothing. */

/** After so long without a new block in the index, though the chain has some, there is a warning; and again each time that as much has passed. */
export const STALL_MS = 60_000
/** Parts of this time between two measurements. */
const MEASURED_PART = 1 / 6

export interface WatchedIndex {
  chainId: number
  rpc: Rpc
  counters: Counters
  /** The last stored block, and whether this process stores blocks. */
  state(): { block: number; active: boolean; problem?: string }
  signal: AbortSignal
  stallMs?: number
  log?: Logger
}

/** Measures and warns until the signal aborts. */
export async function watchStall({ chainId, rpc, counters, state, signal, stallMs = STALL_MS, log }: WatchedIndex) {
  let last = { block: -1, since: performance.now(), times: 0 }
  while (!signal.aborted) {
    await sleep(stallMs * MEASURED_PART, undefined, { signal, ref: false }).catch(() => {})
    if (signal.aborted) return
    const head = await newestBlock(rpc)
    if (head !== undefined) counters.headBlock = head
    const { block, active, problem } = state()
    const lag = Math.max(0, counters.headBlock - block)
    if (block !== last.block || lag === 0 || !active) last = { block, since: performance.now(), times: 0 }
    const stalledMs = performance.now() - last.since
    if (stalledMs < stallMs * (last.times + 1)) continue
    last.times++
    counters.stallWarnings++
    const details = { chainId, block, headBlock: counters.headBlock, lag, stalledMs: Math.round(stalledMs), problem }
    log?.warn({ ...details, times: last.times }, 'The index does not follow the chain')
  }
}

/** The newest block that a node names; undefined when none answers. */
async function newestBlock(rpc: Rpc): Promise<number | undefined> {
  const nodes = rpc instanceof Endpoints ? rpc.healthy() : [rpc]
  const heads = await Promise.all(nodes.map((node) => node.request('eth_blockNumber').then(Number, () => Number.NaN)))
  const known = heads.filter(Number.isSafeInteger)
  return known.length ? Math.max(...known) : undefined
}
