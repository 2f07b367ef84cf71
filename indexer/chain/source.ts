import type { ResolvedDeployment } from '../deployment.ts'
import { InconsistentChain, IndexerError } from '../errors.ts'
import { Endpoints } from '../rpc/endpoints.ts'
import { isLimit, RpcError, RpcUnavailable } from '../rpc/errors.ts'
import { crossCheck, digestOfLogs, type Quorum } from '../rpc/quorum.ts'
import type { Rpc } from '../rpc/rpc.ts'
import {
  type BlockHeader,
  type BlockId,
  type BlockRange,
  type Child,
  compareLogs,
  headerCall,
  hex,
  type Log,
  lastBlock,
  readHeader,
  readLogs,
  sortedAndChecked,
} from './blockRange.ts'
import { BloomFilter } from './bloom.ts'
import type { ChainCache } from './cache.ts'
import { Children } from './children.ts'
import { RangeSizer } from './rangeSizer.ts'

/** The chain as the indexer reads it: headers, and the logs of the followed contracts. */

export interface LogFilter {
  addresses: readonly string[]
  topics: readonly string[]
}

export interface Tip {
  head: BlockHeader
  /** The number of the last final block. */
  final: number
  /** Its header, where the node's own tag named it. */
  finalHeader?: BlockHeader
}

export interface SourceOptions {
  /** Blocks behind the head that count as final; without it the node's tag decides, or 64 where the node does not know the tag. */
  confirmations?: number
  /** The node's tag of the final block: `finalized` (the default), or `safe`, which is newer and gives a weaker guarantee. */
  finality?: 'finalized' | 'safe'
  /** Ranges fetched at the same time: 3. */
  parallel?: number
  /** Contracts created at run time. */
  children?: Children
  /** Final blocks that were fetched before. */
  cache?: ChainCache
  /** Other endpoints for cross-checks: of the last block of every range, and of the logs of one in `compareEvery` ranges. */
  quorum?: Quorum
  compareEvery?: number
  onDisagreement?: () => void
}

const DEFAULT_CONFIRMATIONS = 64
const DEFAULT_PARALLEL = 3
const DEFAULT_COMPARE_EVERY = 8
/** How nodes say that they do not know a tag; any other refusal may be temporary. */
const UNKNOWN_TAG = /finalized|safe|tag|invalid|unsupported|not supported|cannot unmarshal|hex string/i
/** Nodes refuse longer lists of addresses: beyond it, logs are requested by topic alone and filtered here. */
const MAX_ADDRESSES = 500

/** A range as it was fetched: `covered` children were included in the request. Of a final range, `anchor` is the final block that the
 *  request was checked against, and `parentHash` the hash of the block before the range. */
interface FetchedRange extends BlockRange {
  covered: number
  anchor?: BlockHeader
  parentHash?: string
}

/** The source of a deployment's logs. Several endpoints cross-check each other. */
export const sourceOf = (
  { contracts, topics, children }: Pick<ResolvedDeployment, 'contracts' | 'topics' | 'children'>,
  rpc: Rpc,
  options: SourceOptions = {},
) =>
  new Source(
    rpc,
    { addresses: Object.values(contracts), topics },
    { ...options, children, quorum: rpc instanceof Endpoints ? rpc : undefined },
  )

/** The node's answer; when no node is available, the fallback, if there is one. */
export async function unlessUnavailable<T>(request: Promise<T>, fallback: () => T | undefined): Promise<T> {
  try {
    return await request
  } catch (error) {
    const found = error instanceof RpcUnavailable ? fallback() : undefined
    if (found === undefined) throw error
    return found
  }
}

export class Source {
  private readonly sizer = new RangeSizer()
  private readonly children: Children
  private bloomFilter: { count: number; filter: BloomFilter } | undefined
  private knowsFinalityTag = true
  private rangesFetched = 0
  private cacheIsChecked = false

  constructor(
    readonly rpc: Rpc,
    private readonly filter: LogFilter,
    private readonly options: SourceOptions = {},
  ) {
    this.children = options.children ?? new Children()
  }

  /** The newest block, and the last final one. Without a node: the end of the cache, where it is beyond block `beyond`. */
  async tip(beyond = Number.POSITIVE_INFINITY): Promise<Tip> {
    const { cache } = this.options
    const end = cache?.end
    if (!end || end.number <= beyond) return this.tipOfChain()
    return unlessUnavailable(this.tipOfChain(), () => {
      const head = cache.header(end.number)
      return head && { head, final: head.number, finalHeader: head }
    })
  }

  private async tipOfChain(): Promise<Tip> {
    const { confirmations, finality = 'finalized' } = this.options
    const asksTag = this.knowsFinalityTag && confirmations === undefined
    const calls = [headerCall('latest'), ...(asksTag ? [headerCall(finality)] : [])]
    const [latest, finalized] = await this.rpc.batch(calls).catch(async (error) => {
      if (!asksTag || !(error instanceof RpcError) || !UNKNOWN_TAG.test(error.reason)) throw error
      const withoutTag = await this.rpc.batch([headerCall('latest')])
      this.knowsFinalityTag = false // only now: a node that refuses everything for a moment says nothing about the tag
      return withoutTag
    })
    const head = readHeader(latest)
    if (!head) throw new InconsistentChain('The node has no latest block')
    const finalHeader = readHeader(finalized) ?? undefined
    const final = finalHeader?.number ?? head.number - (confirmations ?? DEFAULT_CONFIRMATIONS)
    return { head, final: Math.max(0, Math.min(final, head.number)), finalHeader }
  }

  /** The last final block, an ancestor of the head: the node's tag guarantees it, or else the links between the headers show it.
   *  @throws InconsistentChain when the headers are not of one chain. */
  private async anchor({ head, final, finalHeader }: Tip): Promise<BlockHeader> {
    if (finalHeader) return finalHeader
    const numbers = Array.from({ length: head.number - final }, (_, index) => final + index)
    let first: BlockHeader | undefined
    let before: BlockHeader | undefined
    for (const [index, header] of [...(await this.headers(numbers)), head].entries()) {
      if (!header || (before && header.parentHash !== before.hash))
        throw new InconsistentChain(`Block ${final + index} does not follow the one before: the chain is changing`)
      first ??= header
      before = header
    }
    return first ?? head
  }

  /** The canonical headers at these heights; null above the head. Without a node: those of the cache, if it has all. */
  async headers(numbers: readonly number[], rpc: Rpc = this.rpc): Promise<(BlockHeader | null)[]> {
    const { cache } = this.options
    const request = rpc.batch(numbers.map(headerCall)).then((found) => found.map(readHeader))
    if (!cache || rpc !== this.rpc) return request
    return unlessUnavailable(request, () => {
      const known = numbers.map((number) => cache.header(number))
      return known.every((header) => header !== undefined) ? known : undefined
    })
  }

  /** Ranges of blocks up to the last final one, in order: first those of the cache, then fetched ones, whose size adapts to the
   *  node. The first follows the block with the hash `parentHash`, where that is given.
   *  @throws InconsistentChain when an answer comes from a copy of the node without the last final block (it may lack others too), or
   *  a range does not follow the one before. */
  async *finalRanges(from: number, tip: Tip, parentHash?: string): AsyncGenerator<BlockRange> {
    const { cache } = this.options
    const anchor = await this.anchor(tip)
    let next = from
    let before = parentHash
    if (cache) {
      await this.checkCache(cache)
      for (const range of cache.ranges(from, anchor.number)) {
        yield { ...range, children: this.children.addAnnounced(range.logs) }
        next = range.to + 1
        before = lastBlock(range).hash
      }
    }
    for await (const fetched of this.fetchAhead(next, anchor)) {
      if (before !== undefined && fetched.parentHash !== undefined && fetched.parentHash !== before)
        throw new InconsistentChain(`Block ${fetched.from} does not follow ${before}: it is of another fork`)
      before = lastBlock(fetched).hash
      const range = await this.withChildren(fetched)
      cache?.append(range)
      yield range
    }
  }

  /** Drops blocks after `block` from the cache: they are no longer on the chain. */
  forget(block: number) {
    this.options.cache?.truncate(block)
  }

  private async *fetchAhead(from: number, anchor: BlockHeader): AsyncGenerator<FetchedRange> {
    const to = anchor.number
    const { parallel = DEFAULT_PARALLEL } = this.options
    const ahead: Promise<FetchedRange[]>[] = []
    let next = from
    const fill = () => {
      while (next <= to && ahead.length < parallel) {
        const end = Math.min(to, next + this.sizer.size - 1)
        const fetched = this.fetchRange(next, end, anchor)
        fetched.catch(() => {}) // awaited in order below
        ahead.push(fetched)
        next = end + 1
      }
    }
    fill()
    for (let first = ahead.shift(); first; first = ahead.shift()) {
      yield* await first
      fill()
    }
  }

  /** Drops from the cache what is no longer on the chain. Where no node answers, the cache is trusted: it holds final blocks only. */
  private async checkCache(cache: ChainCache) {
    if (this.cacheIsChecked) return
    for (const end of cache.ends()) {
      const [now] = await this.headers([end.number])
      if (!now || now.hash === end.hash) break
      cache.truncate(end.number - 1)
    }
    this.cacheIsChecked = true
  }

  /** The blocks from after `parent` to `to`, each linked to the one before by hash, with logs requested by block hash: one
   *  fork, or nothing. @throws InconsistentChain when the chain changed meanwhile. */
  async linkedRange(parent: BlockId, to: BlockHeader): Promise<BlockRange> {
    const numbers = Array.from({ length: to.number - parent.number - 1 }, (_, index) => parent.number + 1 + index)
    const linked: BlockHeader[] = []
    let before: BlockId = parent
    for (const header of [...(await this.headers(numbers)), to]) {
      if (!header || header.parentHash !== before.hash)
        throw new InconsistentChain(
          `Block ${parent.number + 1 + linked.length} does not follow ${before.hash}: the chain is changing`,
        )
      linked.push(header)
      before = header
    }
    const covered = this.children.count
    const logs = await this.logsOf(linked)
    const withLogs = new Set(logs.map((log) => log.block))
    // A node whose log index lags behind its blocks answers with no logs: where the bloom filter allows for some, it is asked again.
    const doubtful = linked.filter(({ number, logsBloom }) => !withLogs.has(number) && this.bloom().mayMatch(logsBloom))
    if (doubtful.length) logs.push(...(await this.logsOf(doubtful)))
    const range = sortedAndChecked({ from: parent.number + 1, to: to.number, headers: linked, logs })
    // A fork between two requests looks like a disagreement: blocks that are not final are requested again until endpoints agree.
    await this.crossChecked(range, (rpc) => this.logsOf(linked, undefined, rpc)).catch((error: Error) => {
      throw error instanceof IndexerError ? new InconsistentChain(error.message) : error
    })
    return this.withChildren({ ...range, covered })
  }

  /** The logs of blocks by hash. */
  private async logsOf(
    headers: readonly BlockHeader[],
    addresses?: readonly string[],
    rpc: Rpc = this.rpc,
  ): Promise<Log[]> {
    const criteria = this.criteria(addresses)
    const answers = await rpc
      .batch(headers.map(({ hash }) => ({ method: 'eth_getLogs', params: [{ blockHash: hash, ...criteria }] })))
      .catch((error) => {
        if (!(error instanceof RpcError)) throw error
        throw new InconsistentChain(`The node no longer has a block that it just announced: ${error.reason}`, {
          cause: error,
        })
      })
    return this.onlyFollowed(answers.flatMap(readLogs), addresses)
  }

  private addresses(): readonly string[] {
    return this.children.count ? [...this.filter.addresses, ...this.children.addresses] : this.filter.addresses
  }

  private criteria(addresses = this.addresses()) {
    const topics = [this.filter.topics]
    return addresses.length > MAX_ADDRESSES ? { topics } : { address: addresses, topics }
  }

  /** Drops the logs of other contracts, where the request could not exclude them. */
  private onlyFollowed(logs: Log[], addresses = this.addresses()): Log[] {
    if (addresses.length <= MAX_ADDRESSES) return logs
    const wanted = new Set(addresses)
    return logs.filter(({ address }) => wanted.has(address))
  }

  private bloom(): BloomFilter {
    const { count } = this.children
    if (this.bloomFilter?.count !== count)
      this.bloomFilter = { count, filter: new BloomFilter(this.addresses(), this.filter.topics) }
    return this.bloomFilter.filter
  }

  /** Adds the logs of contracts that the range's own logs announce, and of those that were announced after it was requested. */
  private async withChildren({ covered, anchor, parentHash: _, ...range }: FetchedRange): Promise<BlockRange> {
    const children = this.children.addAnnounced(range.logs)
    for (let known = covered; known < this.children.count; ) {
      const missing = this.children.after(known)
      known = this.children.count
      const logs = await this.childLogs(range, missing, anchor)
      children.push(...this.children.addAnnounced(logs))
      range.logs.push(...logs)
    }
    return { ...sortedAndChecked(range), children }
  }

  /** The logs of some children in a range, from each child's announcement on. Adds the headers of their blocks to the range. */
  private async childLogs(range: BlockRange, children: readonly Child[], anchor?: BlockHeader): Promise<Log[]> {
    const since = new Map(children.map((child) => [child.address, child.since]))
    const addresses = [...since.keys()]
    const found = !anchor
      ? await this.logsOf(range.headers, addresses)
      : (await this.fetchRange(range.from, range.to, anchor, addresses)).flatMap(({ logs, headers }) => {
          const known = new Set(range.headers.map(({ number }) => number))
          range.headers.push(...headers.filter(({ number }) => !known.has(number)))
          return logs
        })
    return found.filter(({ address, block }) => block >= (since.get(address) ?? Number.POSITIVE_INFINITY))
  }

  /** @throws InconsistentChain when the majority of endpoints reports something else, IndexerError when there is no majority. */
  private async crossChecked(range: BlockRange, logsBy: (rpc: Rpc) => Promise<Log[]>) {
    const { quorum, onDisagreement = () => {} } = this.options
    if (!quorum || quorum.healthy().length < 2) return
    const last = lastBlock(range)
    const result = await crossCheck(
      quorum,
      digestOfLogs(last.hash, range.logs),
      `blocks ${range.from}–${range.to}`,
      async (rpc) => {
        const [now] = await this.headers([last.number], rpc)
        if (!now) return undefined // this endpoint lags
        return digestOfLogs(now.hash, (await logsBy(rpc)).sort(compareLogs))
      },
      onDisagreement,
    )
    if (result === 'outvoted')
      throw new InconsistentChain(
        `Most endpoints report something else about blocks ${range.from}–${range.to}: asking them`,
      )
  }

  /** One range, bisected where the node refuses it. */
  private async fetchRange(
    from: number,
    to: number,
    anchor: BlockHeader,
    addresses?: readonly string[],
  ): Promise<FetchedRange[]> {
    const covered = this.children.count
    const logsCall = {
      method: 'eth_getLogs',
      params: [{ fromBlock: hex(from), toBlock: hex(to), ...this.criteria(addresses) }],
    }
    let found: Log[]
    let last: BlockHeader | null
    let parentHash: string | undefined
    try {
      // One copy of the node answers the whole batch: if it holds the anchor, it holds every block before.
      const calls = [logsCall, headerCall(anchor.number), headerCall(to), ...(from > 0 ? [headerCall(from - 1)] : [])]
      const [logs, held, end, before] = await this.rpc.batch(calls)
      last = readHeader(end)
      parentHash = readHeader(before)?.hash
      if (readHeader(held)?.hash !== anchor.hash || !last || (from > 0 && !parentHash))
        throw new InconsistentChain(
          `A copy of the node does not hold the final block ${anchor.number} (${anchor.hash})`,
        )
      found = readLogs(logs)
    } catch (error) {
      if (!isLimit(error)) throw error
      this.sizer.refused(to - from + 1, error)
      const middle = Math.min(to - 1, from + this.sizer.size - 1)
      return [
        ...(await this.fetchRange(from, middle, anchor, addresses)),
        ...(await this.fetchRange(middle + 1, to, anchor, addresses)),
      ]
    }
    this.sizer.answered(to - from + 1, found.length)
    const logs = this.onlyFollowed(found, addresses)
    const numbers = [...new Set(logs.map((log) => log.block))].filter((number) => number !== to)
    const headers: BlockHeader[] = []
    for (const [index, header] of (await this.headers(numbers)).entries()) {
      if (!header) throw new InconsistentChain(`The node has logs of block ${numbers[index]}, but not the block`)
      headers.push(header)
    }
    const range = sortedAndChecked({ from, to, headers: [...headers, last], logs })
    const { compareEvery = DEFAULT_COMPARE_EVERY } = this.options
    const compared = this.rangesFetched++ % compareEvery === 0
    await this.crossChecked(compared ? range : { ...range, logs: [] }, async (rpc) => {
      if (!compared) return []
      const [theirs] = await rpc.batch([logsCall])
      return this.onlyFollowed(readLogs(theirs), addresses)
    })
    return [{ ...range, covered, anchor, parentHash }]
  }
}
