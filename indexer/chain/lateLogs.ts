import { setTimeout as sleep } from 'node:timers/promises'
import type { BlockHeader, Log } from '../rpc/answers.ts'
import type { Rpc } from '../rpc/rpc.ts'
import { accountFor, type BloomFilter } from './bloom.ts'
import type { LogRequests } from './logRequests.ts'
import { logsOfReceipts } from './receipts.ts'

/** A node may announce a block before its logs can be found: its index of logs lags behind its blocks, or another copy of it answers. Such an answer
 *  has no logs, like that of a block without any. */

/** A node is asked again after these times, in milliseconds. */
const ASKED_AGAIN_MS = [100, 200, 400, 800]

export interface LateLogs {
  logs: Log[]
  /** Blocks without logs whose bloom still allows for some: what was told of them last counts, until they are explained (`Follower`). */
  unexplained: BlockHeader[]
}

/** The logs that blocks came without although their bloom allows for some. A bloom may also match by chance, so the receipts of such a block decide, if
 *  they account for all of its bloom: they may come late, too. Where the node does not give them, or no whole ones, the last of several answers counts for
 *  a block without logs; one with some logs is believed.
 *  @param waitsMs after these times it is asked, each after the one before. */
export async function lateLogs(
  rpc: Rpc,
  requests: LogRequests,
  headers: readonly BlockHeader[],
  found: readonly Log[],
  waitsMs: readonly number[] = [0, ...ASKED_AGAIN_MS],
): Promise<LateLogs> {
  const told = logsByBlock(found)
  let doubtful = unexplained(requests.bloom(), headers, told)
  const late: Log[] = []
  let last: readonly Log[] = []
  let hasReceipts = true
  for (const waitMs of waitsMs) {
    if (doubtful.length === 0) break
    if (waitMs > 0) await sleep(waitMs)
    const proof: Log[] | undefined = hasReceipts ? await logsOfReceipts(rpc, doubtful) : undefined
    if (!proof) doubtful = doubtful.filter(({ number }) => !told.has(number))
    hasReceipts = proof !== undefined
    const logs = proof ?? (doubtful.length ? await requests.ofBlocks(rpc, doubtful) : [])
    const isSettled = ({ number, logsBloom }: BlockHeader) => {
      const own = logs.filter(({ block }) => block === number)
      return proof ? accountFor(logsBloom, own) : own.length > 0
    }
    const settled = new Set(doubtful.filter(isSettled).map(({ number }) => number))
    doubtful = doubtful.filter(({ number }) => !settled.has(number))
    late.push(...logs.filter(({ block }) => settled.has(block)))
    last = logs.filter(({ block }) => !settled.has(block))
  }
  const logs = requests.onlyWanted([...late, ...last]).filter((log) => !(told.get(log.block) ?? []).some(isSame(log)))
  const withLogs = new Set([...found, ...logs].map(({ block }) => block))
  return { logs, unexplained: doubtful.filter(({ number }) => !withLogs.has(number)) }
}

const isSame =
  ({ index }: Log) =>
  (other: Log) =>
    other.index === index

export function logsByBlock(logs: readonly Log[]): Map<number, Log[]> {
  const byBlock = new Map<number, Log[]>()
  for (const log of logs) {
    const own = byBlock.get(log.block)
    if (own) own.push(log)
    else byBlock.set(log.block, [log])
  }
  return byBlock
}

/** The blocks whose bloom allows for logs that are not among those told. */
export const unexplained = (
  bloom: BloomFilter,
  headers: readonly BlockHeader[],
  told: ReadonlyMap<number, readonly Log[]>,
): BlockHeader[] => headers.filter(({ number, logsBloom }) => !bloom.isExplained(logsBloom, told.get(number) ?? []))
