import type { ResolvedDeployment } from '../deployment.ts'
import { InconsistentChain, IndexerError } from '../errors.ts'
import type { BlockHeader, Log } from '../rpc/answers.ts'
import { Endpoints } from '../rpc/endpoints.ts'
import { BlockRefused, isLimit, RpcUnavailable } from '../rpc/errors.ts'
import { crossCheck, digestOfLogs, type Quorum, rememberingAuthors } from '../rpc/quorum.ts'
import type { Rpc } from '../rpc/rpc.ts'
import { blocksAround, type TimeGap } from './blockAtTime.ts'
import {
  type BlockId,
  type BlockRange,
  type Child,
  compareLogs,
  headerCall,
  lastBlock,
  sortedAndChecked,
} from './blockRange.ts'
import type { ChainCache } from './cache.ts'
import { Children } from './children.ts'
import { type LateLogs, lateLogs } from './lateLogs.ts'
import { type LogFilter, LogRequests } from './logRequests.ts'
import { RangeSizer } from './rangeSizer.ts'
import { mayBeCut } from './receipts.ts'
import { type FinalityOptions, type Tip, TipReader } from './tip.ts'
import { requireWitness } from './witness.ts'

/** The chain as the indexer reads it: headers, and the logs of the followed contracts. */

export interface SourceOptions extends FinalityOptions {
  /** Ranges fetched at the same time: 3. */
  parallel?: number
  /** Contracts created at run time. */
  children?: Children
  /** Final blocks that were fetched before. */
  cache?: ChainCache
  /** Several endpoints: another than the one that answered has to tell the same of every range. Where none can, as where there is one endpoint, some
   *  blocks of the range are looked at (`witness.ts`). */
  quorum?: Quorum
  onDisagreement?: (about: string, reports: string[]) => void
  /** Of several endpoints, no other one could answer about a final range. */
  onNoWitness?: (about: string, withoutVote: string[]) => void
}

const DEFAULT_PARALLEL = 3

/** A range as it was fetched: `covered` children were included in the request. Of a final range, `anchor` is the final block that the
 *  request was checked against, and `parentHash` the hash of the block before the range. */
interface FetchedRange extends BlockRange {
  covered: number
  anchor?: BlockHeader
  parentHash?: string
}

/** What one request about a range brings: its logs, by call; the anchor, its last block, and the block before it. */
type RangeAnswers = [logs: Log[][], headers: (BlockHeader | null | undefined)[]]

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

/** Headers as JSON. */
type StoredHeaders = (Omit<BlockHeader, 'timestamp'> & { timestamp: string })[]

export class Source {
  private readonly sizer = new RangeSizer()
  private readonly children: Children
  private readonly logs: LogRequests
  private readonly tips: TipReader
  private cacheIsChecked = false

  constructor(
    readonly rpc: Rpc,
    filter: LogFilter,
    private readonly options: SourceOptions = {},
  ) {
    this.children = options.children ?? new Children()
    this.logs = new LogRequests(filter, this.children)
    this.tips = new TipReader(rpc, options)
  }

  /** The newest block, and the last final one. Without a node: the end of the cache, where it is beyond block `beyond`. */
  async tip(beyond = Number.POSITIVE_INFINITY): Promise<Tip> {
    const { cache } = this.options
    const end = cache?.end
    if (!end || end.number <= beyond) return this.tips.read()
    return unlessUnavailable(this.tips.read(), () => {
      const head = cache.header(end.number)
      return head && { head, final: head.number, finalHeader: head }
    })
  }

  /** The canonical headers at these heights; null above the head. Without a node: those of the cache, if it has all. */
  async headers(numbers: readonly number[], rpc: Rpc = this.rpc): Promise<(BlockHeader | null)[]> {
    const { cache } = this.options
    const request = rpc.batch(numbers.map(headerCall)) as Promise<(BlockHeader | null)[]>
    if (!cache || rpc !== this.rpc) return request
    return unlessUnavailable(request, () => {
      const known = numbers.map((number) => cache.header(number))
      return known.every((header) => header !== undefined) ? known : undefined
    })
  }

  /** The headers of final blocks, which are cached beside the ranges. */
  keptHeaders(numbers: readonly number[]): Promise<(BlockHeader | null)[]> {
    return this.remembered(
      numbers.map((number) => ({ question: `header ${number}`, upTo: number })),
      async (missing) => (await this.headers(missing.map(({ upTo }) => upTo))).map((header) => header && [header]),
    ).then((found) => found.map((headers) => headers?.[0] ?? null))
  }

  /** For each gap between final blocks, the headers around the time. */
  around(gaps: readonly TimeGap[]): Promise<(BlockHeader[] | null)[]> {
    return this.remembered(
      gaps.map((gap) => ({ question: `blocks around ${gap.at}`, upTo: gap.after.number, gap })),
      (missing) =>
        blocksAround(
          missing.map(({ gap }) => gap),
          (numbers) => this.headers(numbers),
        ),
    )
  }

  /** The cached answers to questions about blocks up to some final one, and those that `find` finds for the others. */
  private async remembered<Q extends { question: string; upTo: number }>(
    questions: readonly Q[],
    find: (missing: readonly Q[]) => Promise<(BlockHeader[] | null)[]>,
  ): Promise<(BlockHeader[] | null)[]> {
    const { cache } = this.options
    const cached = questions.map(({ question }) => cache?.answer(question)?.answer as StoredHeaders | undefined)
    const missing = questions.filter((_, index) => !cached[index])
    const found = missing.length ? await find(missing) : []
    const answers = new Map(missing.map(({ question }, index) => [question, found[index] ?? null]))
    for (const { question, upTo } of missing) {
      const headers = answers.get(question)
      if (headers)
        cache?.keepAnswer(
          upTo,
          question,
          headers.map(({ logsBloom: _, ...header }) => header),
        )
    }
    return questions.map(({ question }, index) => {
      const known = cached[index]
      if (!known) return answers.get(question) ?? null
      return known.map((header) => ({ ...header, timestamp: new Date(header.timestamp) }))
    })
  }

  /** Ranges of blocks up to the last final one, in order: first those of the cache, then fetched ones, whose size adapts to the
   *  node. The first follows the block with the hash `parentHash`, where that is given.
   *  @throws InconsistentChain when an answer comes from a copy of the node without the last final block (it may lack others too), or
   *  a range does not follow the one before. */
  async *finalRanges(from: number, tip: Tip, parentHash?: string): AsyncGenerator<BlockRange> {
    const { cache } = this.options
    const anchor = await this.tips.anchor(tip, (numbers) => this.headers(numbers))
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
    const { rpc, authors } = this.remembering()
    const logs = await this.logs.ofBlocks(rpc, linked)
    const { logs: late, unexplained } = await lateLogs(rpc, this.logs, linked, logs)
    logs.push(...late)
    const range = sortedAndChecked({ from: parent.number + 1, to: to.number, headers: linked, logs })
    // A fork between two requests looks like a disagreement: blocks that are not final are requested again until endpoints agree.
    await this.crossChecked(range, authors, (rpc) => this.logs.ofBlocks(rpc, linked)).catch((error: Error) => {
      throw error instanceof IndexerError ? new InconsistentChain(error.message) : error
    })
    return this.withChildren({ ...range, covered, unexplained })
  }

  /** What the node tells now of blocks that came without the logs for which their bloom allows. */
  async explained(headers: readonly BlockHeader[]): Promise<LateLogs> {
    const told = await lateLogs(this.rpc, this.logs, headers, [], [0])
    return { ...told, logs: this.sinceAnnounced(told.logs) }
  }

  /** The logs of blocks by hash, as the node tells them now. */
  async logsOf(blocks: readonly BlockId[]): Promise<Log[]> {
    return this.sinceAnnounced(await this.logs.ofBlocks(this.rpc, blocks))
  }

  /** Without those of children from before their announcement, which do not count. */
  private sinceAnnounced(logs: readonly Log[]): Log[] {
    const since = new Map(this.children.after(0).map((child) => [child.address, child.since]))
    return logs.filter(({ address, block }) => block >= (since.get(address) ?? 0))
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
      ? await this.logs.ofBlocks(this.rpc, range.headers, addresses)
      : (await this.fetchRange(range.from, range.to, anchor, addresses)).flatMap(({ logs, headers }) => {
          const known = new Set(range.headers.map(({ number }) => number))
          range.headers.push(...headers.filter(({ number }) => !known.has(number)))
          return logs
        })
    return found.filter(({ address, block }) => block >= (since.get(address) ?? Number.POSITIVE_INFINITY))
  }

  /** The endpoint, or several as one, and which of these have answered. */
  private remembering(): { rpc: Rpc; authors: ReadonlySet<Rpc> } {
    const { quorum } = this.options
    return quorum ? rememberingAuthors(quorum) : { rpc: this.rpc, authors: new Set([this.rpc]) }
  }

  /** Whether another endpoint than the authors of a range's logs tells the same; where none can answer, those that could not.
   *  @throws InconsistentChain when the majority of endpoints reports something else, IndexerError when there is no majority. */
  private async crossChecked(
    range: BlockRange,
    authors: ReadonlySet<Rpc>,
    logsBy: (rpc: Rpc) => Promise<Log[]>,
  ): Promise<{ isWitnessed: boolean; withoutVote: string[] }> {
    const { quorum, onDisagreement = () => {} } = this.options
    if (!quorum) return { isWitnessed: false, withoutVote: [] }
    const last = lastBlock(range)
    const { verdict, withoutVote } = await crossCheck(
      quorum,
      { ...digestOfLogs(last.hash, range.logs), authors },
      blocksOf(range),
      async (rpc) => {
        const [now] = await this.headers([last.number], rpc)
        if (!now) return undefined // this endpoint lags
        return digestOfLogs(now.hash, (await logsBy(rpc)).sort(compareLogs))
      },
      onDisagreement,
    )
    if (verdict === 'outvoted')
      throw new InconsistentChain(`Most endpoints report something else about ${blocksOf(range)}: asking them`)
    return { isWitnessed: verdict === 'agreed', withoutVote }
  }

  /** Logs and headers of a range in one batch, which one copy of the node answers (but where a limit divides it): if that holds the anchor, it holds every block
   *  before. */
  private async askRange(
    rpc: Rpc,
    from: number,
    to: number,
    anchor: BlockHeader,
    addresses?: readonly string[],
  ): Promise<RangeAnswers> {
    const logs = this.logs.rangeCalls(from, to, addresses)
    const headers = [anchor.number, to, ...(from > 0 ? [from - 1] : [])].map(headerCall)
    const answers = await rpc.batch([...logs, ...headers])
    return [answers.slice(0, logs.length) as Log[][], answers.slice(logs.length) as (BlockHeader | null)[]]
  }

  /** Whether a node told all logs of a range. Where it told a round number, it is asked for both halves: a half with fewer logs than that is below
   *  the limit that the node may have. */
  private async isWhole(
    from: number,
    to: number,
    anchor: BlockHeader,
    answers: readonly Log[][],
    addresses?: readonly string[],
  ): Promise<boolean> {
    if (!answers.some(({ length }) => mayBeCut(length))) return true
    const middle = Math.floor((from + to) / 2)
    const [[first, [held]], [second, [heldToo]]] = await this.logs.withinLimits(addresses, () =>
      Promise.all([
        this.askRange(this.rpc, from, middle, anchor, addresses),
        this.askRange(this.rpc, middle + 1, to, anchor, addresses),
      ]),
    )
    if (held?.hash !== anchor.hash || heldToo?.hash !== anchor.hash) return false
    return answers.every(({ length }, call) => {
      const [before, after] = [first[call]?.length ?? 0, second[call]?.length ?? 0]
      return before + after === length && (!mayBeCut(length) || (before < length && after < length))
    })
  }

  /** One range, in two parts where the node refuses it or may have cut its answer. */
  private async fetchRange(
    from: number,
    to: number,
    anchor: BlockHeader,
    addresses?: readonly string[],
  ): Promise<FetchedRange[]> {
    const covered = this.children.count
    const asked = addresses ?? this.logs.addresses()
    const bloom = addresses ? this.logs.bloomOf(addresses) : this.logs.bloom()
    const { rpc, authors } = this.remembering()
    const inTwo = async (middle: number) => [
      ...(await this.fetchRange(from, middle, anchor, addresses)),
      ...(await this.fetchRange(middle + 1, to, anchor, addresses)),
    ]
    let answers: Log[][]
    let last: BlockHeader | null | undefined
    let parentHash: string | undefined
    let isWhole: boolean
    try {
      const [logs, [held, end, before]] = await this.logs.withinLimits(addresses, () =>
        this.askRange(rpc, from, to, anchor, addresses),
      )
      last = end
      parentHash = before?.hash
      if (held?.hash !== anchor.hash || !last || (from > 0 && !parentHash))
        throw new InconsistentChain(
          `A copy of the node does not hold the final block ${anchor.number} (${anchor.hash})`,
        )
      answers = logs
      isWhole = from === to || (await this.isWhole(from, to, anchor, answers, addresses))
    } catch (error) {
      if (!isLimit(error)) throw error
      if (from === to) throw new BlockRefused(from, error)
      this.sizer.refused(to - from + 1, error)
      return inTwo(Math.min(to - 1, from + this.sizer.size - 1))
    }
    if (!isWhole) return inTwo(Math.floor((from + to) / 2))
    const found = from < to ? answers.flat() : await this.logs.wholeBlock(rpc, last, answers, addresses)
    this.sizer.answered(to - from + 1, found.length)
    const logs = this.logs.onlyFollowed(found, addresses)
    const numbers = [...new Set(logs.map((log) => log.block))].filter((number) => number !== to)
    const headers: BlockHeader[] = []
    for (const [index, header] of (await this.headers(numbers)).entries()) {
      if (!header) throw new InconsistentChain(`The node has logs of block ${numbers[index]}, but not the block`)
      headers.push(header)
    }
    const range = sortedAndChecked({ from, to, headers: [...headers, last], logs })
    const { isWitnessed, withoutVote } = await this.crossChecked(range, authors, (other) =>
      this.logs.ofRange(other, from, to, addresses),
    )
    if (isWitnessed) return [{ ...range, covered, anchor, parentHash }]
    if (this.options.quorum) this.options.onNoWitness?.(blocksOf(range), withoutVote)
    await requireWitness(this.rpc, range, {
      bloom,
      wanted: (logs) => this.logs.onlyWanted(logs, asked),
      ofBlocks: (blocks) => this.logs.ofBlocks(this.rpc, blocks, asked),
      headers: (numbers) => this.headers(numbers),
    })
    return [{ ...range, covered, anchor, parentHash }]
  }
}

const blocksOf = ({ from, to }: Pick<BlockRange, 'from' | 'to'>) => `blocks ${from}–${to}`
