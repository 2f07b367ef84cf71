import { decodeLog } from '#contracts/events.ts'
import { sourceOf } from '#indexer/chain/source.ts'
import { resolveDeployment } from '#indexer/deployment.ts'
import { httpRpc } from '#indexer/rpc/http.ts'
import { BENCH_ADDRESSES, BENCH_CHAIN_ID } from './chain.ts'
import { processArgument, report } from './processes.ts'

/** The upper bound of every indexer of this chain: it requests and decodes the same logs but stores nothing. Runs in a child process. */
const { rpcUrl } = processArgument<{ rpcUrl: string }>()
const deployment = resolveDeployment({ chainId: BENCH_CHAIN_ID, startBlock: 1, addresses: BENCH_ADDRESSES })
const source = sourceOf(deployment, httpRpc(rpcUrl))
const { head } = await source.tip()
let events = 0
for await (const { logs } of source.finalRanges(1, { head, final: head.number, finalHeader: head }))
  for (const log of logs) {
    const contract = deployment.followed.get(log.address)
    if (contract && decodeLog(contract, log)) events++
  }
report({ done: performance.timeOrigin + performance.now(), events })
process.disconnect()
