import { IndexerError } from '../errors.ts'
import { agree, testimonyOf } from '../rpc/agreement.ts'
import type { Panel } from '../rpc/endpoints.ts'
import { type Rpc, RpcError, RpcUnavailable } from '../rpc/rpc.ts'
import { BloomFilter } from './bloom.ts'
import type { ChainCache } from './cache.ts'
import { type Child, Children } from './children.ts'
import { isLimit, Span } from './ranges.ts'
import {
  checked,
  follows,
  type Header,
  header,
  hex,
  Inconsistent,
  type Log,
  type RawLog,
  readHeader,
  readLog,
  type Stretch,
} from './stretch.ts'

/** The chain as the indexer reads it: headers, and the logs of the followed contracts. */

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

export interface SourceOptions {
  /** Blocks behind the head that count as final; without it, the node's `finalized` tag says, or 64 where it knows none. */
  confirmations?: number
  /** The node's tag that says which block is final: `finalized` (the default), or `safe`, which comes sooner and holds less. */
  finality?: 'finalized' | 'safe'
  /** Ranges fetched ahead at once. */
  parallel?: number
  /** Contracts made at run time. */
  children?: Children
  /** What final blocks said before. */
  cache?: ChainCache
  /** Other endpoints that can be asked whether they say the same: of every range's last block, and of the logs of every so many. */
  panel?: Panel
  compareEvery?: number
  onDisagreement?: () => void
}

const DEFAULT_CONFIRMATIONS = 64
/** How nodes say that they know no such tag; whatever else they refuse with may pass. */
const UNKNOWN_TAG = /finalized|safe|tag|invalid|unsupported|not supported|cannot unmarshal|hex string/i
const COMPARE_EVERY = 8
/** Nodes refuse longer lists of addresses: beyond it, logs are asked by topic alone and sorted out here. */
const MOST_ADDRESSES = 500

/** A range as it was fetched: `covered` children were followed when it was asked for; `anchor` where it is final, and `parent` then is
 *  the hash of the block before it. */
interface Fetched extends Stretch {
  covered: number
  anchor?: Header
  parent?: string
}

/** What the node answers; where none does, what is known without, if it is. */
export async function unlessAway<T>(asked: Promise<T>, known: () => T | undefined): Promise<T> {
  try {
    return await asked
  } catch (error) {
    const found = error instanceof RpcUnavailable ? known() : undefined
    if (found === undefined) throw error
    return found
  }
}

export class Source {
  private readonly span = new Span()
  private readonly children: Children
  private bloomed: { count: number; filter: BloomFilter } | undefined
  private finalityTag = true
  private ranges = 0
  private cacheIsChecked = false

  constructor(
    readonly rpc: Rpc,
    private readonly filter: Filter,
    private readonly options: SourceOptions = {},
  ) {
    this.children = options.children ?? new Children()
  }

  /** The newest block, and the last final one. Without a node, the end of what is cached beyond block `beyond`. */
  async tip(beyond = Number.POSITIVE_INFINITY): Promise<Tip> {
    const end = this.options.cache?.end
    if (!end || end.number <= beyond) return this.tipOfChain()
    return unlessAway(this.tipOfChain(), () => {
      const head = this.options.cache!.header(end.number)!
      return { head, final: head.number, finalHeader: head }
    })
  }

  private async tipOfChain(): Promise<Tip> {
    const { confirmations, finality = 'finalized' } = this.options
    const asksTag = this.finalityTag && confirmations === undefined
    const calls = [header('latest'), ...(asksTag ? [header(finality)] : [])]
    const [latest, finalized] = await this.rpc.batch(calls).catch((error) => {
      if (!asksTag || !(error instanceof RpcError) || !UNKNOWN_TAG.test(error.reason)) throw error
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

  /** The canonical headers at these heights; null above the head. Without a node, those that are cached if all are. */
  async headers(numbers: readonly number[], rpc: Rpc = this.rpc): Promise<(Header | null)[]> {
    const { cache } = this.options
    const asked = rpc.batch(numbers.map(header)).then((found) => found.map(readHeader))
    if (!cache || rpc !== this.rpc) return asked
    return unlessAway(asked, () => {
      const known = numbers.map((number) => cache.header(number))
      return known.every((one) => one !== undefined) ? known : undefined
    })
  }

  /** Stretches of blocks up to the last final one, in order: those that are cached, then those that are fetched ahead of their use in
   *  ranges whose size adapts to the node. The first follows the block with the hash `parent`, where that is given.
   *  @throws Inconsistent when an answer comes from a copy of the node that does not hold that last block (it may lack others too), or
   *  does not follow what came before. */
  async *finalStretches(from: number, tip: Tip, parent?: string): AsyncGenerator<Stretch> {
    const { cache } = this.options
    const anchor = await this.anchor(tip)
    let next = from
    let before = parent
    if (cache) {
      await this.check(cache)
      for (const stretch of cache.stretches(from, anchor.number)) {
        yield { ...stretch, children: this.children.notice(stretch.logs) }
        next = stretch.to + 1
        before = stretch.headers.at(-1)!.hash
      }
    }
    for await (const fetched of this.fetched(next, anchor)) {
      if (before !== undefined && fetched.parent !== undefined && fetched.parent !== before)
        throw new Inconsistent(`Block ${fetched.from} does not follow ${before}: it is of another fork`)
      before = fetched.headers.at(-1)!.hash
      const stretch = await this.withChildren(fetched)
      cache?.append(stretch)
      yield stretch
    }
  }

  /** Forgets what is cached of the blocks after `block`: they are no longer on the chain. */
  forget(block: number) {
    this.options.cache?.truncate(block)
  }

  private async *fetched(from: number, anchor: Header): AsyncGenerator<Fetched> {
    const to = anchor.number
    const ahead: Promise<Fetched[]>[] = []
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

  /** Takes out of the cache what is no longer on the chain. Where no node answers, what it holds was final and is believed. */
  private async check(cache: ChainCache) {
    if (this.cacheIsChecked) return
    for (const end of cache.ends()) {
      const [now] = await this.headers([end.number])
      if (!now || now.hash === end.hash) break
      cache.truncate(end.number - 1)
    }
    this.cacheIsChecked = true
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
    const covered = this.children.count
    const logs = await this.logsOf(linked)
    const withLogs = new Set(logs.map((log) => log.block))
    // a node whose index of logs lags behind its blocks says "none": where the bloom says "perhaps", it is asked once more
    const doubtful = linked.filter(({ number, logsBloom }) => !withLogs.has(number) && this.bloom().admits(logsBloom))
    if (doubtful.length) logs.push(...(await this.logsOf(doubtful)))
    const stretch = checked({ from: parent.number + 1, to: to.number, headers: linked, logs })
    // a fork between two questions looks like a disagreement: what is not final yet is asked again, until it agrees or is final
    await this.witnessed(stretch, (rpc) => this.logsOf(linked, undefined, rpc)).catch((error: Error) => {
      throw error instanceof IndexerError ? new Inconsistent(error.message) : error
    })
    return this.withChildren({ ...stretch, covered })
  }

  /** The logs of blocks that are named by hash. */
  private async logsOf(headers: readonly Header[], addresses?: readonly string[], rpc: Rpc = this.rpc): Promise<Log[]> {
    const criteria = this.criteria(addresses)
    const answers = await rpc
      .batch(headers.map(({ hash }) => ({ method: 'eth_getLogs', params: [{ blockHash: hash, ...criteria }] })))
      .catch((error) => {
        if (!(error instanceof RpcError)) throw error
        throw new Inconsistent(`The node no longer has a block that it just announced: ${error.reason}`, {
          cause: error,
        })
      })
    return this.own(
      (answers as RawLog[][]).flatMap((some) => some.map(readLog)),
      addresses,
    )
  }

  private addresses(): readonly string[] {
    return this.children.count ? [...this.filter.addresses, ...this.children.addresses] : this.filter.addresses
  }

  private criteria(addresses = this.addresses()) {
    const topics = [this.filter.topics]
    return addresses.length > MOST_ADDRESSES ? { topics } : { address: addresses, topics }
  }

  /** Without the logs of strangers, where they had to be asked for too. */
  private own(logs: Log[], addresses = this.addresses()): Log[] {
    if (addresses.length <= MOST_ADDRESSES) return logs
    const wanted = new Set(addresses)
    return logs.filter(({ address }) => wanted.has(address))
  }

  private bloom(): BloomFilter {
    const { count } = this.children
    if (this.bloomed?.count !== count)
      this.bloomed = { count, filter: new BloomFilter(this.addresses(), this.filter.topics) }
    return this.bloomed.filter
  }

  /** With the logs of the contracts that its own logs announce, and of those that were announced since it was asked for. */
  private async withChildren({ covered, anchor, parent: _, ...stretch }: Fetched): Promise<Stretch> {
    const children = this.children.notice(stretch.logs)
    for (let known = covered; known < this.children.count; ) {
      const missing = this.children.after(known)
      known = this.children.count
      const logs = await this.childLogs(stretch, missing, anchor)
      children.push(...this.children.notice(logs))
      stretch.logs.push(...logs)
    }
    return { ...checked(stretch), children }
  }

  /** What some children said in a stretch since their announcement's block; adds the headers that this takes. */
  private async childLogs(stretch: Stretch, children: readonly Child[], anchor?: Header): Promise<Log[]> {
    const since = new Map(children.map((child) => [child.address, child.since]))
    const addresses = [...since.keys()]
    const found = !anchor
      ? await this.logsOf(stretch.headers, addresses)
      : (await this.range(stretch.from, stretch.to, anchor, addresses)).flatMap(({ logs, headers }) => {
          const known = new Set(stretch.headers.map(({ number }) => number))
          stretch.headers.push(...headers.filter(({ number }) => !known.has(number)))
          return logs
        })
    return found.filter(({ address, block }) => block >= since.get(address)!)
  }

  /** @throws Inconsistent when the other endpoints outvote what this stretch says, IndexerError when nobody has a majority. */
  private async witnessed(stretch: Stretch, logsBy: (rpc: Rpc) => Promise<Log[]>) {
    const { panel, onDisagreement = () => {} } = this.options
    if (!panel || panel.voices().length < 2) return
    const last = stretch.headers.at(-1)!
    const verdict = await agree(
      panel,
      testimonyOf(last.hash, stretch.logs),
      `blocks ${stretch.from}–${stretch.to}`,
      async (rpc) => {
        const [now] = await this.headers([last.number], rpc)
        if (!now) return undefined // it lags
        return testimonyOf(now.hash, (await logsBy(rpc)).sort(follows))
      },
      onDisagreement,
    )
    if (verdict === 'outvoted')
      throw new Inconsistent(
        `Most endpoints say something else about blocks ${stretch.from}–${stretch.to}: asking them`,
      )
  }

  /** One range, bisected where the node refuses it. */
  private async range(from: number, to: number, anchor: Header, addresses?: readonly string[]): Promise<Fetched[]> {
    const covered = this.children.count
    const logsCall = {
      method: 'eth_getLogs',
      params: [{ fromBlock: hex(from), toBlock: hex(to), ...this.criteria(addresses) }],
    }
    let raw: RawLog[]
    let last: Header | null
    let parent: string | undefined
    try {
      // asked at once, all are answered by one copy of the node: that it holds the anchor shows that it holds all before
      const calls = [logsCall, header(anchor.number), header(to), ...(from > 0 ? [header(from - 1)] : [])]
      const [logs, held, end, before] = await this.rpc.batch(calls)
      last = readHeader(end)
      parent = readHeader(before)?.hash
      if (readHeader(held)?.hash !== anchor.hash || !last || (from > 0 && !parent))
        throw new Inconsistent(`A copy of the node does not hold the final block ${anchor.number} (${anchor.hash})`)
      raw = logs as RawLog[]
    } catch (error) {
      if (!isLimit(error)) throw error
      this.span.refused(to - from + 1, error)
      const middle = Math.min(to - 1, from + this.span.size - 1)
      return [
        ...(await this.range(from, middle, anchor, addresses)),
        ...(await this.range(middle + 1, to, anchor, addresses)),
      ]
    }
    this.span.answered(to - from + 1, raw.length)
    const logs = this.own(raw.map(readLog), addresses)
    const numbers = [...new Set(logs.map((log) => log.block))].filter((number) => number !== to)
    const headers = await this.headers(numbers)
    const absent = headers.indexOf(null)
    if (absent >= 0) throw new Inconsistent(`The node has logs of block ${numbers[absent]}, but not the block`)
    const stretch = checked({ from, to, headers: [...(headers as Header[]), last], logs })
    const { compareEvery = COMPARE_EVERY } = this.options
    const compared = this.ranges++ % compareEvery === 0
    await this.witnessed(compared ? stretch : { ...stretch, logs: [] }, async (rpc) => {
      if (!compared) return []
      const [theirs] = await rpc.batch([logsCall])
      return this.own((theirs as RawLog[]).map(readLog), addresses)
    })
    return [{ ...stretch, covered, anchor, parent }]
  }
}
