import { RetriableError } from '#schema/errors.ts'
import type { Call } from '../rpc/rpc.ts'
import type { Child } from './children.ts'

/** Pieces of the chain as the indexer reads them, and how a node spells them. */

export interface Header {
  number: number
  hash: string
  parentHash: string
  timestamp: Date
  /** What the block may hold, where the node says it. */
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

/** A stretch of the chain with every log in it, in order. `headers` holds its last block, and every block that has logs. */
export interface Stretch {
  from: number
  to: number
  headers: Header[]
  logs: Log[]
  /** Contracts that its logs announce, to be followed from then on. */
  children?: Child[]
}

/** What the node said does not fit together (a reorganisation while we asked, or nodes that disagree): ask again. */
export class Inconsistent extends RetriableError {
  override name = 'Inconsistent'
}

export const hex = (value: number) => `0x${value.toString(16)}`
export const header = (block: number | string): Call => ({
  method: 'eth_getBlockByNumber',
  params: [typeof block === 'number' ? hex(block) : block, false],
})

interface RawBlock {
  number: string
  hash: string
  parentHash: string
  timestamp: string
  logsBloom?: string
}

export const readHeader = (raw: unknown): Header | null => {
  if (!raw) return null
  const { number, hash, parentHash, timestamp, logsBloom } = raw as RawBlock
  return { number: Number(number), hash, parentHash, timestamp: new Date(Number(timestamp) * 1000), logsBloom }
}

export interface RawLog {
  address: string
  topics: `0x${string}`[]
  data: `0x${string}`
  blockNumber: string
  blockHash: string
  transactionHash: string
  logIndex: string
}

export const readLog = (raw: RawLog): Log => ({
  address: raw.address.toLowerCase() as `0x${string}`,
  topics: raw.topics,
  data: raw.data,
  block: Number(raw.blockNumber),
  blockHash: raw.blockHash,
  transactionHash: raw.transactionHash,
  index: Number(raw.logIndex),
})

export const follows = (a: Log, b: Log) => a.block - b.block || a.index - b.index

/** A stretch in the order of the chain. @throws Inconsistent when a log lies outside, twice, or on another fork. */
export function checked<S extends Stretch>(stretch: S): S {
  const { from, to, headers, logs } = stretch
  const hashes = new Map(headers.map((one) => [one.number, one.hash]))
  headers.sort((a, b) => a.number - b.number)
  const early = logs.findIndex((log, index) => index > 0 && follows(logs[index - 1]!, log) > 0)
  if (early >= 0) logs.sort(follows)
  for (const [index, log] of logs.entries()) {
    const before = logs[index - 1]
    if (log.block < from || log.block > to)
      throw new Inconsistent(`A log of block ${log.block} lies outside ${from}–${to}`)
    if (hashes.get(log.block) !== log.blockHash) throw new Inconsistent(`Block ${log.block} has a log of another fork`)
    if (before && before.block === log.block && before.index === log.index)
      throw new Inconsistent(`Log ${log.index} of block ${log.block} came twice`)
  }
  return stretch
}
