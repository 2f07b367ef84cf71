import type { ContractName } from '#contracts/events.ts'
import { InconsistentChain } from '../errors.ts'
import type { BlockHeader, Log } from '../rpc/answers.ts'
import type { Rpc, RpcCall } from '../rpc/rpc.ts'

/** Pieces of the chain as the indexer reads them. */

/** Identifies a block. */
export type BlockId = Pick<BlockHeader, 'number' | 'hash'>

/** A contract that a factory announced. */
export interface Child {
  address: string
  follows: ContractName
  factory: string
  /** The block of the announcement. The contract's logs count from this block on, even those before the announcement itself. */
  since: number
}

/** Consecutive blocks with every log in them, in order. `headers` holds the last block and every block that has logs. */
export interface BlockRange {
  from: number
  to: number
  headers: BlockHeader[]
  logs: Log[]
  /** Contracts that the logs announce, to be followed from then on. */
  children?: Child[]
  /** Blocks whose bloom allows for logs that the node has not told yet. */
  unexplained?: BlockHeader[]
}

/** The last block of a range. */
export function lastBlock({ from, to, headers }: Pick<BlockRange, 'from' | 'to' | 'headers'>): BlockHeader {
  const last = headers.at(-1)
  if (!last) throw new Error(`The range ${from}–${to} has no header`)
  return last
}

export const hex = (value: number) => `0x${value.toString(16)}`
export const headerCall = (block: number | string): RpcCall => ({
  method: 'eth_getBlockByNumber',
  params: [typeof block === 'number' ? hex(block) : block, false],
})

export function headerAt(rpc: Rpc, block: number): Promise<BlockHeader | null> {
  const { method, params } = headerCall(block)
  return rpc.request(method, params) as Promise<BlockHeader | null>
}

/** Orders logs as the chain does. */
export const compareLogs = (a: Log, b: Log) => a.block - b.block || a.index - b.index

/** Sorts a range. @throws InconsistentChain when a log is outside the range, there twice, or of another fork. */
export function sortedAndChecked<R extends BlockRange>(range: R): R {
  const { from, to, headers, logs } = range
  const hashes = new Map(headers.map((header) => [header.number, header.hash]))
  headers.sort((a, b) => a.number - b.number)
  let before: Log | undefined
  const unsorted = logs.some((log) => {
    const early = before !== undefined && compareLogs(before, log) > 0
    before = log
    return early
  })
  if (unsorted) logs.sort(compareLogs)
  before = undefined
  for (const log of logs) {
    if (log.block < from || log.block > to)
      throw new InconsistentChain(`A log of block ${log.block} is outside the range ${from}–${to}`)
    if (hashes.get(log.block) !== log.blockHash)
      throw new InconsistentChain(`Block ${log.block} has a log of another fork`)
    if (before && before.block === log.block && before.index === log.index)
      throw new InconsistentChain(`Log ${log.index} of block ${log.block} came twice`)
    before = log
  }
  return range
}
