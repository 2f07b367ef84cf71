import { setTimeout as sleep } from 'node:timers/promises'
import type { BlockHeader, Log } from '../rpc/answers.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { LogRequests } from './logRequests.ts'
import { logsOfReceipts } from './receipts.ts'

/** A node may announce a block before its logs can be found: its index of logs lags behind its blocks, or another copy of it answers. Such an answer
 *  has no logs, like that of a block without any. */

/** Where a node has no receipts to ask for, it is asked for the logs again after these times, in milliseconds. */
const ASKED_AGAIN_MS = [100, 200, 400, 800]

/** The logs of those of the blocks that came without logs although their bloom allows for some. A bloom may also match by chance, so the receipts of such a
 *  block decide; where the node does not give them, the last of several answers counts, until the block is final (`Follower`). */
export async function lateLogs(
  rpc: Rpc,
  requests: LogRequests,
  headers: readonly BlockHeader[],
  found: readonly Log[],
): Promise<Log[]> {
  const bloom = requests.bloom()
  const withLogs = new Set(found.map(({ block }) => block))
  let doubtful = headers.filter(({ number, logsBloom }) => !withLogs.has(number) && bloom.mayMatch(logsBloom))
  const late: Log[] = []
  for (const waitMs of [0, ...ASKED_AGAIN_MS]) {
    if (doubtful.length === 0) break
    if (waitMs > 0) await sleep(waitMs)
    const proven = waitMs === 0 ? await logsOfReceipts(rpc, doubtful) : undefined
    if (proven) return [...late, ...requests.onlyWanted(proven)]
    const logs = await requests.ofBlocks(rpc, doubtful)
    const told = new Set(logs.map(({ block }) => block))
    late.push(...logs)
    doubtful = doubtful.filter(({ number }) => !told.has(number))
  }
  return late
}
