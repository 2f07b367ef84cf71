import type { ChainHead } from '#graphql/indexHealth.ts'
import { openRpc } from '#indexer/rpc/open.ts'
import { RetriableError } from '#schema/errors.ts'

const FRESH_MS = 2_000
/** Probes wait no longer: those of an orchestrator end after a few seconds. */
const TIMEOUT_MS = 3_000

/** The head of the chain at `rpcUrls`, several URLs separated by commas. Requests that come at once share one, and its answer serves for two
 *  seconds. `signal` closes the connections. */
export function openChainHead(rpcUrls: string, signal: AbortSignal): ChainHead {
  const rpc = openRpc(rpcUrls, { tries: 1, timeoutMs: TIMEOUT_MS, signal })
  let last: number | undefined
  let asked: { at: number; answer: Promise<number> } | undefined

  const ask = async () => {
    const answer = await rpc.request('eth_blockNumber')
    const head = typeof answer === 'string' ? Number(answer) : Number.NaN
    if (!Number.isSafeInteger(head)) throw new RetriableError('RPC_URL: the node answered with no block number')
    last = head
    return head
  }
  const read = () => {
    if (!asked || performance.now() - asked.at > FRESH_MS) asked = { at: performance.now(), answer: ask() }
    asked.answer.catch(() => {}) // `recent` does not wait for it
    return asked.answer
  }
  return {
    read,
    recent() {
      void read()
      return last
    },
  }
}
