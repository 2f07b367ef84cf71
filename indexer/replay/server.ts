import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encodeAbiParameters, keccak256 } from 'viem'
import { NOT_RECORDED } from '../rpc/errors.ts'
import type { Recorded, Recording } from './folder.ts'

/** A recording as a chain: a JSON-RPC server that has one block for every block with events (`dense`) or every block of the original
 *  chain (`recorded`), linked by artificial hashes. Only with recorded heights are block numbers inside events (a vote's start and end)
 *  correct. */

export type Heights = 'dense' | 'recorded'

export interface Replay {
  url: string
  chainId: number
  /** The newest block. */
  head: number
  /** The number on the original chain of a block here; 0 for the genesis block. */
  recordedBlock(block: number): number
  /** Replaces the last `depth` blocks by another fork: same events, other hashes. */
  fork(depth: number): void
  close(): Promise<void>
}

const SECONDS_PER_BLOCK = 2
const FINAL_DISTANCE = 64
const ZERO = `0x${'0'.repeat(64)}`
const EMPTY_BLOOM = `0x${'0'.repeat(512)}`
const FULL_BLOOM = `0x${'f'.repeat(512)}`
const hex = (value: number) => `0x${value.toString(16)}`

interface Criteria {
  address?: string | string[]
  topics?: (string | string[] | null)[]
  fromBlock?: string
  toBlock?: string
  blockHash?: string
}

export async function startReplay(
  recording: Recording,
  { port = 0, heights = 'dense' as Heights } = {},
): Promise<Replay> {
  const chain = new RecordedChain(recording, heights)
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const answer = (call: { id: unknown; method: string; params: unknown[] }) => {
      try {
        return { jsonrpc: '2.0', id: call.id, result: chain.answer(call.method, call.params) }
      } catch (error) {
        return { jsonrpc: '2.0', id: call.id, error: { code: -32601, message: (error as Error).message } }
      }
    }
    response.setHeader('content-type', 'application/json')
    const calls = JSON.parse(body)
    response.end(JSON.stringify(Array.isArray(calls) ? calls.map(answer) : answer(calls)))
  })
  await new Promise<void>((done, fail) => server.once('error', fail).listen(port, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    chainId: recording.chainId,
    head: chain.head,
    recordedBlock: (block) => chain.recorded(block),
    fork: (depth) => chain.fork(depth),
    close: () =>
      new Promise<void>((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}

class RecordedChain {
  /** Original block numbers by dense block number; 0 for the genesis block. */
  private readonly heights: number[]
  /** Events with their block numbers here, in the order of the chain. */
  private readonly events: { block: number; event: Recorded }[]
  private readonly withEvents: Set<number>
  readonly head: number
  /** Block numbers by the hashes that were served. */
  private readonly numbers = new Map<string, number>()
  private readonly forks: number[] = []

  constructor(
    private readonly recording: Recording,
    private readonly kind: Heights,
  ) {
    this.heights = [0, ...new Set(recording.events.map((event) => event.block))]
    const dense = new Map(this.heights.map((height, block) => [height, block]))
    const blockOf = ({ block }: Recorded) => (kind === 'dense' ? (dense.get(block) ?? block) : block)
    this.events = recording.events.map((event) => ({ event, block: blockOf(event) }))
    this.withEvents = new Set(this.events.map(({ block }) => block))
    this.head = this.events.at(-1)?.block ?? 0
  }

  recorded(block: number): number {
    return this.kind === 'dense' ? (this.heights[block] ?? 0) : block
  }

  fork(depth: number) {
    this.forks.push(this.head - depth + 1)
  }

  answer(method: string, params: unknown[]): unknown {
    if (method === 'eth_chainId') return hex(this.recording.chainId)
    if (method === 'eth_blockNumber') return hex(this.head)
    if (method === 'eth_getBlockByNumber') return this.block(this.numberOf(params[0] as string))
    if (method === 'eth_getBlockByHash') return this.block(this.numberOfHash(params[0] as string) ?? -1)
    if (method === 'eth_getLogs') return this.logs(params[0] as Criteria)
    throw new Error(`${NOT_RECORDED} ${method}`)
  }

  /** Derived from the block's number and the newest fork that contains it. */
  private hash(block: number): string {
    if (block < 0) return ZERO
    const fork = this.forks.findLastIndex((from) => from <= block) + 1
    const types = [{ type: 'uint256' }, { type: 'uint256' }] as const
    const hash = keccak256(encodeAbiParameters(types, [BigInt(block), BigInt(fork)]))
    this.numbers.set(hash, block)
    return hash
  }

  private numberOfHash(hash: string): number | undefined {
    const block = this.numbers.get(hash)
    return block !== undefined && this.hash(block) === hash ? block : undefined
  }

  private numberOf(tag: string) {
    if (tag === 'latest' || tag === 'pending') return this.head
    if (tag === 'finalized' || tag === 'safe') return Math.max(0, this.head - FINAL_DISTANCE)
    return tag === 'earliest' ? 0 : Number(tag)
  }

  private block(block: number) {
    if (!(block >= 0 && block <= this.head)) return null
    return {
      number: hex(block),
      hash: this.hash(block),
      parentHash: this.hash(block - 1),
      timestamp: hex(this.recorded(block) * SECONDS_PER_BLOCK),
      logsBloom: this.withEvents.has(block) ? FULL_BLOOM : EMPTY_BLOOM,
      transactions: [],
    }
  }

  private logs({ address, topics: [first] = [], fromBlock, toBlock, blockHash }: Criteria) {
    const one = blockHash === undefined ? undefined : this.numberOfHash(blockHash)
    if (blockHash !== undefined && one === undefined) throw new Error(`unknown block ${blockHash}`)
    const from = one ?? this.numberOf(fromBlock ?? 'latest')
    const to = Math.min(this.head, one ?? this.numberOf(toBlock ?? 'latest'))
    const addresses = address && new Set([address].flat().map((one) => one.toLowerCase()))
    const topics = first && new Set([first].flat())
    return this.events
      .filter(({ block }) => block >= from && block <= to)
      .filter(({ event }) => !addresses || addresses.has(event.address))
      .filter(({ event }) => !topics || topics.has(event.topics[0] ?? ''))
      .map(({ block, event }) => this.log(block, event))
  }

  private log(block: number, event: Recorded) {
    return {
      address: event.address,
      topics: event.topics,
      data: event.data,
      blockNumber: hex(block),
      blockHash: this.hash(block),
      transactionHash: keccak256(hex(event.block * 100_000 + event.transaction) as `0x${string}`),
      transactionIndex: hex(event.transaction),
      logIndex: hex(event.index),
      removed: false,
    }
  }
}

async function text(request: IncomingMessage) {
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}
