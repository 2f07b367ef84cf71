import { decodeLog } from '#contracts/events.ts'
import { sourceOf } from '#indexer/chain/source.ts'
import { resolveDeployment } from '#indexer/deployment.ts'
import { httpRpc } from '#indexer/rpc/http.ts'
import { BENCH_ADDRESSES, BENCH_CHAIN_ID } from './chain.ts'

/** What bounds every indexer of this chain: the same logs fetched and decoded, and nothing stored. One process of its own. */
const { rpcUrl } = JSON.parse(process.argv[2]!) as { rpcUrl: string }
const deployment = resolveDeployment({ chainId: BENCH_CHAIN_ID, startBlock: 1, addresses: BENCH_ADDRESSES })
const source = sourceOf(deployment, httpRpc(rpcUrl))
const { head } = await source.tip()
let events = 0
for await (const { logs } of source.finalRanges(1, { head, final: head.number, finalHeader: head }))
  for (const log of logs) if (decodeLog(deployment.followed.get(log.address)!, log)) events++
process.send!({ done: performance.timeOrigin + performance.now(), events })
process.disconnect()
