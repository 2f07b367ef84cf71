import { setTimeout as sleep } from 'node:timers/promises'
import type { BlockHeader, Log } from '../rpc/answers.ts'
import type { Rpc } from '../rpc/rpc.ts'
import { accountFor } from './bloom.ts'
import type { LogRequests } from './logRequests.ts'
import { logsOfReceipts } from './receipts.ts'

/** A node may announce a block before its logs can be found: its index of logs lags behind its blocks, or another copy of it answers. Such an answer
 *  has no logs, like that of a block without any. */

/** A node is asked again after these times, in milliseconds. */
const ASKED_AGAIN_MS = [100, 200, 400, 800]

/** The logs of those of the blocks that came without logs although their bloom allows for some. A bloom may also match by chance, so the receipts of such a
 *  block decide, if they account for all of its bloom: they may come late, too. Where the node does not give them, or no whole ones, the last of several
 *  answers counts, until the block is final (`Follower`). */
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
  let last: readonly Log[] = []
  let hasReceipts = true
  for (const waitMs of [0, ...ASKED_AGAIN_MS]) {
    if (doubtful.length === 0) break
    if (waitMs > 0) await sleep(waitMs)
    const proof: Log[] | undefined = hasReceipts ? await logsOfReceipts(rpc, doubtful) : undefined
    hasReceipts = proof !== undefined
    const logs = proof ?? (await requests.ofBlocks(rpc, doubtful))
    const isSettled = ({ number, logsBloom }: BlockHeader) => {
      const own = logs.filter(({ block }) => block === number)
      return proof ? accountFor(logsBloom, own) : own.length > 0
    }
    const settled = new Set(doubtful.filter(isSettled).map(({ number }) => number))
    doubtful = doubtful.filter(({ number }) => !settled.has(number))
    late.push(...logs.filter(({ block }) => settled.has(block)))
    last = logs.filter(({ block }) => !settled.has(block))
  }
  return requests.onlyWanted([...late, ...last])
}
