import { InconsistentChain } from '../errors.ts'
import type { Log } from '../rpc/answers.ts'
import { allowedAddresses, BlockRefused, isAddressLimit, isLimit, RpcError } from '../rpc/errors.ts'
import type { Rpc, RpcCall } from '../rpc/rpc.ts'
import { type BlockId, hex } from './blockRange.ts'
import { BloomFilter } from './bloom.ts'
import type { Children } from './children.ts'
import { sizeAfter } from './rangeSizer.ts'
import { logsOfCutBlock, mayBeCut } from './receipts.ts'

/** Requests for the logs of the followed contracts. */

export interface LogFilter {
  addresses: readonly string[]
  topics: readonly string[]
}

/** Most nodes refuse longer lists of addresses: beyond it, logs are requested by topic alone and filtered here. */
const MAX_ADDRESSES = 500

/** Parts of a range that are asked for in one request. */
const PARTS = 50

export class LogRequests {
  /** The addresses of one call, at most: learnt from refusals. */
  private maxAddresses = MAX_ADDRESSES
  private bloomFilter: { count: number; filter: BloomFilter } | undefined

  constructor(
    private readonly filter: LogFilter,
    private readonly children: Children,
  ) {}

  /** The calls for the logs of blocks `from` to `to`: one, or several where the node takes few addresses in each. */
  rangeCalls(from: number, to: number, addresses?: readonly string[]): RpcCall[] {
    return this.criteria(addresses).map((criteria) => ({
      method: 'eth_getLogs',
      params: [{ fromBlock: hex(from), toBlock: hex(to), ...criteria }],
    }))
  }

  /** Asks again with fewer addresses in each call, as long as the node says that there are too many. */
  async withinLimits<T>(addresses: readonly string[] | undefined, ask: () => Promise<T>): Promise<T> {
    for (;;)
      try {
        return await ask()
      } catch (error) {
        const count = Math.min(this.maxAddresses, (addresses ?? this.addresses()).length)
        if (!isAddressLimit(error) || count <= 1 || count > MAX_ADDRESSES) throw error
        this.maxAddresses = Math.min(this.maxAddresses, allowedAddresses(count, error))
      }
  }

  /** The logs of blocks `from` to `to`: in parts, where the node refuses so many blocks or logs at once. */
  async ofRange(rpc: Rpc, from: number, to: number, addresses?: readonly string[]): Promise<Log[]> {
    const found: Log[][] = []
    let size = to - from + 1
    for (let next = from; next <= to; ) {
      const end = Math.min(to, next + size * PARTS - 1)
      const calls = () => {
        const parts: RpcCall[] = []
        for (let first = next; first <= end; first += size)
          parts.push(...this.rangeCalls(first, Math.min(end, first + size - 1), addresses))
        return parts
      }
      try {
        found.push(...(await this.withinLimits(addresses, () => rpc.batch(calls()) as Promise<Log[][]>)))
        next = end + 1
      } catch (error) {
        if (!isLimit(error) || size <= 1) throw error
        size = sizeAfter(size, error)
      }
    }
    return this.onlyFollowed(found.flat(), addresses)
  }

  /** The logs of blocks by hash. @throws BlockRefused when those of one block are too many for the node. */
  async ofBlocks(rpc: Rpc, headers: readonly BlockId[], addresses?: readonly string[]): Promise<Log[]> {
    try {
      const answers = await this.withinLimits(addresses, async () => {
        const criteria = this.criteria(addresses)
        const calls = headers.flatMap(({ hash }) =>
          criteria.map((one) => ({ method: 'eth_getLogs', params: [{ blockHash: hash, ...one }] })),
        )
        const found = (await rpc.batch(calls)) as Log[][]
        return headers.map((_, index) => found.slice(index * criteria.length, (index + 1) * criteria.length))
      })
      const whole = headers.map((header, index) => this.wholeBlock(rpc, header, answers[index] ?? [], addresses))
      return this.onlyFollowed((await Promise.all(whole)).flat(), addresses)
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      const [first, ...others] = headers
      if (first && isLimit(error)) {
        if (!others.length) throw new BlockRefused(first.number, error)
        return (await Promise.all(headers.map((header) => this.ofBlocks(rpc, [header], addresses)))).flat()
      }
      throw new InconsistentChain(`The node refused the logs of a block that it just announced: ${error.reason}`, {
        cause: error,
      })
    }
  }

  /** The logs of one block. Where an answer may be cut, the receipts decide: there is no smaller request.
   *  @throws BlockCut when the node does not give them. */
  async wholeBlock(rpc: Rpc, block: BlockId, answers: readonly Log[][], addresses?: readonly string[]): Promise<Log[]> {
    const cut = answers.find(({ length }) => mayBeCut(length))
    const whole = cut && (await logsOfCutBlock(rpc, block, cut.length))
    if (!whole) return answers.flat()
    const wanted = this.onlyWanted(whole, addresses)
    if (wanted.length < this.onlyFollowed(answers.flat(), addresses).length)
      throw new InconsistentChain(`The receipts of block ${block.number} lack logs that the node told`)
    return wanted
  }

  /** The followed contracts. */
  addresses(): readonly string[] {
    return this.children.count ? [...this.filter.addresses, ...this.children.addresses] : this.filter.addresses
  }

  /** What to ask for: the lists of addresses are no longer than the node takes. */
  private criteria(addresses = this.addresses()): object[] {
    const topics = [this.filter.topics]
    if (addresses.length > MAX_ADDRESSES) return [{ topics }]
    const parts: object[] = []
    for (let start = 0; start < addresses.length || start === 0; start += this.maxAddresses)
      parts.push({ address: addresses.slice(start, start + this.maxAddresses), topics })
    return parts
  }

  /** Drops the logs of other contracts, where the request could not exclude them. */
  onlyFollowed(logs: Log[], addresses = this.addresses()): Log[] {
    if (addresses.length <= MAX_ADDRESSES) return logs
    const wanted = new Set(addresses)
    return logs.filter(({ address }) => wanted.has(address))
  }

  /** Of all logs of some blocks, those of the followed contracts and events. */
  onlyWanted(logs: readonly Log[], only = this.addresses()): Log[] {
    const [addresses, topics] = [new Set<string>(only), new Set(this.filter.topics)]
    return logs.filter(({ address, topics: [topic = ''] }) => addresses.has(address) && topics.has(topic))
  }

  /** What blooms of blocks with logs of these addresses have. */
  bloomOf(addresses: readonly string[]): BloomFilter {
    return new BloomFilter(addresses, this.filter.topics)
  }

  bloom(): BloomFilter {
    const { count } = this.children
    if (this.bloomFilter?.count !== count) this.bloomFilter = { count, filter: this.bloomOf(this.addresses()) }
    return this.bloomFilter.filter
  }
}
