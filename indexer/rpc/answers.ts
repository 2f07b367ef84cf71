import { NodeBusy } from './errors.ts'
import type { RpcCall } from './rpc.ts'

/** What nodes answer, checked and converted in one place: what does not fit is never seen by the rest of the indexer, and another endpoint is asked. */

export interface BlockHeader {
  number: number
  hash: string
  parentHash: string
  timestamp: Date
  /** Where the node includes it. */
  logsBloom?: string
}

export interface Log {
  address: `0x${string}`
  topics: `0x${string}`[]
  data: `0x${string}`
  block: number
  blockHash: string
  transactionHash: string
  index: number
}

/** The answer to a call: a `BlockHeader` or null of `eth_getBlockByNumber`, `Log[]` of `eth_getLogs`, `Log[]` or null of
 *  `eth_getBlockReceipts`, that of another method as it came.
 *  @throws NodeBusy when it is none, or is not about what was asked. */
export function readAnswer({ method, params }: RpcCall, result: unknown): unknown {
  if (method === 'eth_getBlockByNumber') return readHeader(result, params[0])
  if (method === 'eth_getLogs') return readLogs(result, params[0] as LogCriteria)
  if (method === 'eth_getBlockReceipts') return readReceipts(result, String(params[0]))
  return result
}

/** A time beyond this is not in seconds. */
const MAX_SECONDS = 100_000_000_000

const isObject = (raw: unknown): raw is Record<string, unknown> => typeof raw === 'object' && raw !== null
const isHash = (value: unknown): value is string => typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value)
/** Whole bytes. (A pattern that repeats a group takes several times as long over long data.) */
const isData = (value: unknown): value is `0x${string}` =>
  typeof value === 'string' && value.length % 2 === 0 && /^0x[0-9a-f]*$/i.test(value)
const isAddress = (value: unknown): value is `0x${string}` =>
  typeof value === 'string' && /^0x[0-9a-f]{40}$/i.test(value)

/** A quantity; NaN when it is none. */
const quantity = (value: unknown): number => {
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  return value !== '' && Number.isSafeInteger(number) && number >= 0 ? number : Number.NaN
}

const invalid = (method: string, what: string) => new NodeBusy(`the answer to ${method} is wrong: ${what}`)

/** Null: a block that the node does not have. `asked`: a tag, or a number as hex. */
function readHeader(raw: unknown, asked: unknown): BlockHeader | null {
  if (raw === null || raw === undefined) return null
  const wrong = (what: string) => invalid('eth_getBlockByNumber', what)
  if (!isObject(raw)) throw wrong('it is no block')
  const { hash, parentHash, logsBloom } = raw
  const number = quantity(raw.number)
  const seconds = quantity(raw.timestamp)
  if (Number.isNaN(number) || !isHash(hash) || !isHash(parentHash)) throw wrong('it is no block')
  if (Number.isNaN(seconds) || seconds > MAX_SECONDS) throw wrong(`block ${number} has no time in seconds`)
  if (typeof asked === 'string' && /^0x/.test(asked) && Number(asked) !== number)
    throw wrong(`it is block ${number}, not ${Number(asked)}`)
  return {
    number,
    hash: hash.toLowerCase(),
    parentHash: parentHash.toLowerCase(),
    timestamp: new Date(seconds * 1000),
    logsBloom: isData(logsBloom) ? logsBloom : undefined,
  }
}

interface LogCriteria {
  blockHash?: string
  fromBlock?: string
  toBlock?: string
}

function readLogs(raw: unknown, { blockHash, fromBlock = '0x0', toBlock }: LogCriteria = {}): Log[] {
  const wrong = (what: string) => invalid('eth_getLogs', what)
  if (!Array.isArray(raw)) throw wrong('it is no list of logs')
  const from = Number(fromBlock)
  const to = toBlock === undefined ? Number.POSITIVE_INFINITY : Number(toBlock)
  let before: Log | undefined
  let isAscending = true
  const logs = raw.map((one) => {
    const log = readLog(one, before)
    if (!log) throw wrong('it has something that is no log')
    const { block, index } = log
    if ((one as { removed?: unknown }).removed === true) throw wrong(`it has a log of block ${block} that was removed`)
    if (blockHash === undefined ? block < from || block > to : log.blockHash !== blockHash.toLowerCase())
      throw wrong(`it has a log of block ${block}, which was not asked for`)
    if (before && (block - before.block || index - before.index) <= 0) isAscending = false
    before = log
    return log
  })
  const double = isAscending ? undefined : firstDouble(logs)
  // Some nodes count the logs of each transaction from zero.
  if (double) throw wrong(`block ${double.block} has two logs with the index ${double.index}`)
  return logs
}

/** The first log with the place of one before it. */
function firstDouble(logs: readonly Log[]): Log | undefined {
  const places = new Set<number>()
  return logs.find(({ block, index }) => places.size === places.add(block * 2 ** 24 + index).size)
}

/** The transactions of a block that came as it is; undefined when the node does not have it. */
export function transactionsOf(raw: unknown): string[] | undefined {
  if (raw === null || raw === undefined) return undefined
  const transactions = isObject(raw) ? raw.transactions : undefined
  if (!Array.isArray(transactions) || !transactions.every(isHash))
    throw invalid('eth_getBlockByHash', 'it has no list of transactions')
  return transactions
}

/** The logs of a block in its receipts. Null: receipts that the node does not have. */
export function readReceipts(raw: unknown, blockHash: string): Log[] | null {
  if (raw === null || raw === undefined) return null
  const receipts: unknown[] = Array.isArray(raw) ? raw : [undefined]
  const logs = receipts.map((receipt) => (isObject(receipt) ? receipt.logs : undefined))
  if (!logs.every(Array.isArray)) throw invalid('eth_getBlockReceipts', 'it is no list of receipts')
  return readLogs(logs.flat(), { blockHash })
}

/** What a log has in common with the one `before` it is neither checked nor kept twice. */
function readLog(raw: unknown, before: Log | undefined): Log | undefined {
  if (!isObject(raw)) return undefined
  const { data } = raw
  const block = quantity(raw.blockNumber)
  const index = quantity(raw.logIndex)
  const address = checked(raw.address, before?.address, isAddress)?.toLowerCase() as `0x${string}` | undefined
  const topics = readTopics(raw.topics, before?.topics[0])
  const blockHash = checked(raw.blockHash, before?.blockHash, isHash)?.toLowerCase()
  const transactionHash = checked(raw.transactionHash, before?.transactionHash, isHash)
  const isWhole = address && topics && isData(data) && blockHash && transactionHash
  if (!isWhole || Number.isNaN(block) || !(index < 2 ** 24)) return undefined
  return { address, topics, data, block, blockHash, transactionHash, index }
}

/** A value that is right, or is one that was checked before; else undefined. */
function checked(value: unknown, known: string | undefined, isRight: (value: unknown) => value is string) {
  if (known !== undefined && value === known) return known
  return isRight(value) ? value : undefined
}

/** The topics of a log; undefined where they are wrong. Most logs begin with the topic of the log before. */
function readTopics(raw: unknown, known: string | undefined): `0x${string}`[] | undefined {
  if (!Array.isArray(raw)) return undefined
  const topics = raw.map((topic) => checked(topic, known, isHash))
  return topics.every((topic) => topic !== undefined) ? (topics as `0x${string}`[]) : undefined
}
