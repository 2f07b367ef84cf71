import type { ContractName } from '#contracts/events.ts'
import { InconsistentChain } from '../errors.ts'
import type { RpcCall } from '../rpc/rpc.ts'

/** Pieces of the chain as the indexer reads them, and their JSON-RPC encoding. */

export interface BlockHeader {
  number: number
  hash: string
  parentHash: string
  timestamp: Date
  /** Where the node includes it. */
  logsBloom?: string
}

/** Identifies a block. */
export type BlockId = Pick<BlockHeader, 'number' | 'hash'>

export interface Log {
  address: `0x${string}`
  topics: `0x${string}`[]
  data: `0x${string}`
  block: number
  blockHash: string
  transactionHash: string
  index: number
}

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

interface RpcBlock {
  number: string
  hash: string
  parentHash: string
  timestamp: string
  logsBloom?: string
}

const HASH = /^0x[0-9a-f]{64}$/i

/** A block as `eth_getBlockByNumber` answers it; null for a block that the node does not have.
 *  @throws InconsistentChain when it is no block: a proxy or a failing node answers anything. */
export const readHeader = (raw: unknown): BlockHeader | null => {
  if (!raw) return null
  const { number, hash, parentHash, timestamp, logsBloom } = raw as RpcBlock
  const header = { number: Number(number), hash, parentHash, timestamp: new Date(Number(timestamp) * 1000), logsBloom }
  if (
    !Number.isSafeInteger(header.number) ||
    Number.isNaN(header.timestamp.getTime()) ||
    !HASH.test(hash) ||
    !HASH.test(parentHash)
  )
    throw new InconsistentChain('The node answered eth_getBlockByNumber with something that is no block')
  return header
}

interface RpcLog {
  address: string
  topics: `0x${string}`[]
  data: `0x${string}`
  blockNumber: string
  blockHash: string
  transactionHash: string
  logIndex: string
}

const isLog = (raw: Partial<RpcLog> | null): raw is RpcLog =>
  typeof raw === 'object' &&
  raw !== null &&
  typeof raw.address === 'string' &&
  Array.isArray(raw.topics) &&
  typeof raw.data === 'string' &&
  typeof raw.blockHash === 'string' &&
  typeof raw.transactionHash === 'string' &&
  Number.isSafeInteger(Number(raw.blockNumber)) &&
  Number.isSafeInteger(Number(raw.logIndex))

const readLog = (raw: RpcLog): Log => ({
  address: raw.address.toLowerCase() as `0x${string}`,
  topics: raw.topics,
  data: raw.data,
  block: Number(raw.blockNumber),
  blockHash: raw.blockHash,
  transactionHash: raw.transactionHash,
  index: Number(raw.logIndex),
})

/** The result of `eth_getLogs`. @throws InconsistentChain when it is no list of logs: some nodes answer null for blocks that they lack. */
export function readLogs(result: unknown): Log[] {
  if (!Array.isArray(result) || !result.every(isLog))
    throw new InconsistentChain('The node answered eth_getLogs with something that is no list of logs')
  return result.map(readLog)
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
