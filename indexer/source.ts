import { BloomFilter } from './bloom.ts'
import { isLimit, Span } from './ranges.ts'
import type { Call, Rpc } from './rpc.ts'

/** The chain as the indexer reads it: headers, and the logs of the followed contracts. */

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
}

/** What the node said does not fit together (a reorganisation while we asked, or nodes that disagree): ask again. */
export class Inconsistent extends Error {
  override name = 'Inconsistent'
}

export interface Filter {
  addresses: readonly string[]
  topics: readonly string[]
}

export interface Tip {
  head: Header
  /** The last final block. */
  final: number
  /** Its header, where the node's own tag named it. */
  finalHeader?: Header
}

const hex = (value: number) => `0x${value.toString(16)}`
const header = (block: number | string): Call => ({
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

const readHeader = (raw: unknown): Header | null => {
  if (!raw) return null
  const { number, hash, parentHash, timestamp, logsBloom } = raw as RawBlock
  return { number: Number(number), hash, parentHash, timestamp: new Date(Number(timestamp) * 1000), logsBloom }
}

interface RawLog {
  address: string
  topics: `0x${string}`[]
  data: `0x${string}`
  blockNumber: string
  blockHash: string
  transactionHash: string
  logIndex: string
}

const readLog = (raw: RawLog): Log => ({
  address: raw.address.toLowerCase() as `0x${string}`,
  topics: raw.topics,
  data: raw.data,
  block: Number(raw.blockNumber),
  blockHash: raw.blockHash,
  transactionHash: raw.transactionHash,
  index: Number(raw.logIndex),
})

export interface SourceOptions {
  /** Blocks behind the head that count as final; without it, the node's `finalized` tag says, or 64 where it knows none. */
  confirmations?: number
  /** Ranges fetched ahead at once. */
  parallel?: number
}

const DEFAULT_CONFIRMATIONS = 64

export class Source {
  private readonly span = new Span()
  private readonly bloom: BloomFilter
  private finalityTag = true

  constructor(
    readonly rpc: Rpc,
    private readonly filter: Filter,
    private readonly options: SourceOptions = {},
  ) {
    this.bloom = new BloomFilter(filter.addresses, filter.topics)
  }

  async chainId(): Promise<number> {
    return Number(await this.rpc.request('eth_chainId'))
  }

  /** The newest block, and the last final one. */
  async tip(): Promise<Tip> {
    const { confirmations } = this.options
    const asksTag = this.finalityTag && confirmations === undefined
    const calls = [header('latest'), ...(asksTag ? [header('finalized')] : [])]
    const [latest, finalized] = await this.rpc.batch(calls).catch((error) => {
      if (!asksTag || error.name !== 'RpcError') throw error
      this.finalityTag = false // asked again below, without the tag that this node refuses
      return this.rpc.batch([header('latest')])
    })
    const head = readHeader(latest)
    if (!head) throw new Inconsistent('The node has no latest block')
    const finalHeader = readHeader(finalized) ?? undefined
    const final = finalHeader?.number ?? head.number - (confirmations ?? DEFAULT_CONFIRMATIONS)
    return { head, final: Math.max(0, Math.min(final, head.number)), finalHeader }
  }

  /** The last final block, known to be an ancestor of the head by its node's word, or else by the links between them.
   *  @throws Inconsistent when the headers are not of one chain. */
  private async anchor({ head, final, finalHeader }: Tip): Promise<Header> {
    if (finalHeader) return finalHeader
    const numbers = Array.from({ length: head.number - final }, (_, index) => final + index)
    const headers = [...(await this.headers(numbers)), head]
    for (const [index, one] of headers.entries())
      if (!one || (index && one.parentHash !== headers[index - 1]?.hash))
        throw new Inconsistent(`Block ${final + index} does not follow the one before: the chain is changing`)
    return headers[0]!
  }

  /** The canonical headers at these heights; null above the head. */
  async headers(numbers: readonly number[]): Promise<(Header | null)[]> {
    return (await this.rpc.batch(numbers.map(header))).map(readHeader)
  }

  /** Stretches of blocks up to the last final one, in order, fetched ahead of their use in ranges whose size adapts to the node.
   *  @throws Inconsistent when an answer comes from a copy of the node that does not hold that last block: it may lack others too. */
  async *finalStretches(from: number, tip: Tip): AsyncGenerator<Stretch> {
    const anchor = await this.anchor(tip)
    const to = anchor.number
    const ahead: Promise<Stretch[]>[] = []
    let next = from
    const fill = () => {
      while (next <= to && ahead.length < (this.options.parallel ?? 3)) {
        const end = Math.min(to, next + this.span.size - 1)
        const fetched = this.range(next, end, anchor)
        fetched.catch(() => {}) // awaited in order below
        ahead.push(fetched)
        next = end + 1
      }
    }
    for (fill(); ahead.length; fill()) yield* await ahead.shift()!
  }

  /** The blocks after `parent` up to at most `to`, each linked to the one before by hash, with logs asked by block hash: one
   *  fork, or nothing. @throws Inconsistent when the chain changed meanwhile. */
  async linkedStretch(parent: Pick<Header, 'number' | 'hash'>, to: Header): Promise<Stretch> {
    const numbers = Array.from({ length: to.number - parent.number - 1 }, (_, index) => parent.number + 1 + index)
    const headers = [...(await this.headers(numbers)), to]
    let before: Pick<Header, 'number' | 'hash'> = parent
    for (const [index, one] of headers.entries()) {
      if (!one || one.parentHash !== before.hash)
        throw new Inconsistent(
          `Block ${parent.number + 1 + index} does not follow ${before.hash}: the chain is changing`,
        )
      before = one
    }
    const linked = headers as Header[]
    const logs = await this.logsOf(linked)
    const withLogs = new Set(logs.map((log) => log.block))
    // a node whose index of logs lags behind its blocks says "none": where the bloom says "perhaps", it is asked once more
    const doubtful = linked.filter(({ number, logsBloom }) => !withLogs.has(number) && this.bloom.admits(logsBloom))
    if (doubtful.length) logs.push(...(await this.logsOf(doubtful)))
    return this.checked({ from: parent.number + 1, to: to.number, headers: linked, logs })
  }

  private async logsOf(headers: readonly Header[]): Promise<Log[]> {
    const answers = await this.rpc
      .batch(headers.map(({ hash }) => ({ method: 'eth_getLogs', params: [{ blockHash: hash, ...this.criteria() }] })))
      .catch((error) => {
        if (error.name !== 'RpcError') throw error
        throw new Inconsistent(`The node no longer has a block that it just announced: ${error.reason}`, {
          cause: error,
        })
      })
    return (answers as RawLog[][]).flatMap((some) => some.map(readLog))
  }

  private criteria() {
    return { address: this.filter.addresses, topics: [this.filter.topics] }
  }

  /** One range, bisected where the node refuses it. */
  private async range(from: number, to: number, anchor: Header): Promise<Stretch[]> {
    let raw: RawLog[]
    let last: Header | null
    try {
      const params = [{ fromBlock: hex(from), toBlock: hex(to), ...this.criteria() }]
      // asked at once, both are answered by one copy of the node: that it holds the anchor shows that it holds all before
      const calls = [{ method: 'eth_getLogs', params }, header(anchor.number), header(to)]
      const [logs, held, end] = await this.rpc.batch(calls)
      last = readHeader(end)
      if (readHeader(held)?.hash !== anchor.hash || !last)
        throw new Inconsistent(`A copy of the node does not hold the final block ${anchor.number} (${anchor.hash})`)
      raw = logs as RawLog[]
    } catch (error) {
      if (!isLimit(error)) throw error
      this.span.refused(to - from + 1, error)
      const middle = Math.min(to - 1, from + this.span.size - 1)
      return [...(await this.range(from, middle, anchor)), ...(await this.range(middle + 1, to, anchor))]
    }
    this.span.answered(to - from + 1, raw.length)
    const logs = raw.map(readLog)
    const numbers = [...new Set(logs.map((log) => log.block))].filter((number) => number !== to)
    const headers = await this.headers(numbers)
    const absent = headers.indexOf(null)
    if (absent >= 0) throw new Inconsistent(`The node has logs of block ${numbers[absent]}, but not the block`)
    return [this.checked({ from, to, headers: [...(headers as Header[]), last], logs })]
  }

  /** A stretch in the order of the chain. @throws Inconsistent when a log lies outside, twice, or on another fork. */
  private checked(stretch: Stretch): Stretch {
    const { from, to, headers, logs } = stretch
    const hashes = new Map(headers.map((one) => [one.number, one.hash]))
    headers.sort((a, b) => a.number - b.number)
    logs.sort((a, b) => a.block - b.block || a.index - b.index)
    for (const [index, log] of logs.entries()) {
      const before = logs[index - 1]
      if (log.block < from || log.block > to)
        throw new Inconsistent(`A log of block ${log.block} lies outside ${from}–${to}`)
      if (hashes.get(log.block) !== log.blockHash)
        throw new Inconsistent(`Block ${log.block} has a log of another fork`)
      if (before && before.block === log.block && before.index === log.index)
        throw new Inconsistent(`Log ${log.index} of block ${log.block} came twice`)
    }
    return stretch
  }
}
