import { type Log, readReceipts, transactionsOf } from '../rpc/answers.ts'
import { BlockCut, MethodUnsupported, RecordedChain, RpcError } from '../rpc/errors.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { BlockId } from './blockRange.ts'

/** Receipts tell all logs of a block, whatever a node's limits for requests of logs are. */

/** Some nodes cut a long answer at a round number of logs, decimal or binary, and do not say so. */
export const mayBeCut = (logs: number) => (logs >= 50 && logs % 50 === 0) || (logs >= 1024 && logs % 1024 === 0)

const isRefusal = (error: unknown) => error instanceof MethodUnsupported || error instanceof RpcError

/** All logs of blocks; undefined when the node does not give the receipts of all of them, for whatever reason: many do not have them for everybody. A
 *  node that is away does not answer what is asked in their place either. */
export const logsOfReceipts = (rpc: Rpc, blocks: readonly BlockId[]): Promise<Log[] | undefined> =>
  ofBlockReceipts(rpc, blocks).catch(() => undefined)

async function ofBlockReceipts(rpc: Rpc, blocks: readonly BlockId[]): Promise<Log[] | undefined> {
  const answers = await rpc.batch(blocks.map(({ hash }) => ({ method: 'eth_getBlockReceipts', params: [hash] })))
  return answers.includes(null) ? undefined : (answers as Log[][]).flat()
}

/** All logs of a block of which the node told a round number, `told`; undefined when the chain is a replay, which cuts nothing.
 *  @throws BlockCut when the node gives no receipts, neither of the block nor of its transactions. */
export async function logsOfCutBlock(rpc: Rpc, block: BlockId, told: number): Promise<Log[] | undefined> {
  try {
    const found = await ofBlockReceipts(rpc, [block])
    if (found) return found
  } catch (error) {
    if (error instanceof RecordedChain) return undefined
    if (!isRefusal(error)) throw error
  }
  try {
    return await ofTransactionReceipts(rpc, block)
  } catch (error) {
    if (isRefusal(error)) throw new BlockCut(block.number, told, error as Error)
    throw error
  }
}

async function ofTransactionReceipts(rpc: Rpc, { hash }: BlockId): Promise<Log[]> {
  const transactions = transactionsOf(await rpc.request('eth_getBlockByHash', [hash, false]))
  if (!transactions) throw new RpcError('eth_getBlockByHash', 0, 'the node does not have the block')
  const receipts = await rpc.batch(
    transactions.map((transaction) => ({ method: 'eth_getTransactionReceipt', params: [transaction] })),
  )
  return readReceipts(receipts, hash) ?? []
}
