import { InconsistentChain } from '../errors.ts'
import type { Log } from '../rpc/answers.ts'
import { BlockRefused, isLimit, RpcError } from '../rpc/errors.ts'
import type { Rpc } from '../rpc/rpc.ts'
import { type BlockId, hex } from './blockRange.ts'
import { BloomFilter } from './bloom.ts'
import type { Children } from './children.ts'

/** Requests for the logs of the followed contracts. */

export interface LogFilter {
  addresses: readonly string[]
  topics: readonly string[]
}

/** Nodes refuse longer lists of addresses: beyond it, logs are requested by topic alone and filtered here. */
const MAX_ADDRESSES = 500

export class LogRequests {
  private bloomFilter: { count: number; filter: BloomFilter } | undefined

  constructor(
    private readonly filter: LogFilter,
    private readonly children: Children,
  ) {}

  /** The call for the logs of blocks `from` to `to`; from its answer, `onlyFollowed` drops what the request could not exclude. */
  rangeCall(from: number, to: number, addresses?: readonly string[]) {
    const params = [{ fromBlock: hex(from), toBlock: hex(to), ...this.criteria(addresses) }]
    return { method: 'eth_getLogs', params }
  }

  /** The logs of blocks by hash. @throws BlockRefused when those of one block are too many for the node. */
  async ofBlocks(rpc: Rpc, headers: readonly BlockId[], addresses?: readonly string[]): Promise<Log[]> {
    const criteria = this.criteria(addresses)
    const calls = headers.map(({ hash }) => ({ method: 'eth_getLogs', params: [{ blockHash: hash, ...criteria }] }))
    try {
      return this.onlyFollowed(((await rpc.batch(calls)) as Log[][]).flat(), addresses)
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

  private addresses(): readonly string[] {
    return this.children.count ? [...this.filter.addresses, ...this.children.addresses] : this.filter.addresses
  }

  private criteria(addresses = this.addresses()) {
    const topics = [this.filter.topics]
    return addresses.length > MAX_ADDRESSES ? { topics } : { address: addresses, topics }
  }

  /** Drops the logs of other contracts, where the request could not exclude them. */
  onlyFollowed(logs: Log[], addresses = this.addresses()): Log[] {
    if (addresses.length <= MAX_ADDRESSES) return logs
    const wanted = new Set(addresses)
    return logs.filter(({ address }) => wanted.has(address))
  }

  /** Of all logs of some blocks, those of the followed contracts and events. */
  onlyWanted(logs: readonly Log[]): Log[] {
    const [addresses, topics] = [new Set(this.addresses()), new Set(this.filter.topics)]
    return logs.filter(({ address, topics: [topic = ''] }) => addresses.has(address) && topics.has(topic))
  }

  bloom(): BloomFilter {
    const { count } = this.children
    if (this.bloomFilter?.count !== count)
      this.bloomFilter = { count, filter: new BloomFilter(this.addresses(), this.filter.topics) }
    return this.bloomFilter.filter
  }
}
