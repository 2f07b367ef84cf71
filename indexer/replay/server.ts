import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { encodeAbiParameters, keccak256 } from 'viem'
import type { Recorded, Recording } from './folder.ts'

/** A recording as a chain: a JSON-RPC server with a dense block for every block that had events, linked by made-up hashes. */

export interface Replay {
  url: string
  chainId: number
  /** The newest block. */
  head: number
  /** The block at the recorded chain that a block here stands for; 0 for the genesis block. */
  recordedBlock(block: number): number
  /** Puts the last `depth` blocks on another fork: same events, other hashes. */
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

export async function startReplay(recording: Recording, { port = 0 } = {}): Promise<Replay> {
  const chain = new RecordedChain(recording)
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
    recordedBlock: (block) => chain.heights[block]!,
    fork: (depth) => chain.fork(depth),
    close: () =>
      new Promise<void>((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}

class RecordedChain {
  /** Recorded block numbers by block; the genesis block stands for none. */
  readonly heights: number[]
  private readonly events: Recorded[][]
  private hashes: string[] = []
  private numbers = new Map<string, number>()
  private forks = 0

  constructor(private readonly recording: Recording) {
    this.heights = [0, ...new Set(recording.events.map((event) => event.block))]
    const places = new Map(this.heights.map((height, block) => [height, block]))
    this.events = this.heights.map(() => [])
    for (const event of recording.events) this.events[places.get(event.block)!]!.push(event)
    this.link(0)
  }

  get head() {
    return this.heights.length - 1
  }

  fork(depth: number) {
    this.forks++
    this.link(this.head - depth + 1)
  }

  answer(method: string, params: unknown[]): unknown {
    if (method === 'eth_chainId') return hex(this.recording.chainId)
    if (method === 'eth_blockNumber') return hex(this.head)
    if (method === 'eth_getBlockByNumber') return this.block(this.numberOf(params[0] as string))
    if (method === 'eth_getBlockByHash') return this.block(this.numbers.get(params[0] as string) ?? -1)
    if (method === 'eth_getLogs') return this.logs(params[0] as Criteria)
    throw new Error(`A replayed chain does not answer ${method}`)
  }

  /** Hashes from `from` on, each of its parent, its number and the fork it is on. */
  private link(from: number) {
    for (let block = from; block <= this.head; block++) {
      const parent = (this.hashes[block - 1] ?? ZERO) as `0x${string}`
      const types = [{ type: 'bytes32' }, { type: 'uint256' }, { type: 'uint256' }] as const
      this.hashes[block] = keccak256(encodeAbiParameters(types, [parent, BigInt(block), BigInt(this.forks)]))
    }
    this.numbers = new Map(this.hashes.map((hash, block) => [hash, block]))
  }

  private numberOf(tag: string) {
    if (tag === 'latest' || tag === 'pending') return this.head
    if (tag === 'finalized' || tag === 'safe') return Math.max(0, this.head - FINAL_DISTANCE)
    return tag === 'earliest' ? 0 : Number(tag)
  }

  private block(block: number) {
    const hash = this.hashes[block]
    if (!hash) return null
    return {
      number: hex(block),
      hash,
      parentHash: this.hashes[block - 1] ?? ZERO,
      timestamp: hex(this.heights[block]! * SECONDS_PER_BLOCK),
      logsBloom: this.events[block]!.length ? FULL_BLOOM : EMPTY_BLOOM,
      transactions: [],
    }
  }

  private logs({ address, topics: [first] = [], fromBlock, toBlock, blockHash }: Criteria) {
    const one = blockHash === undefined ? undefined : this.numbers.get(blockHash)
    if (blockHash !== undefined && one === undefined) throw new Error(`unknown block ${blockHash}`)
    const from = one ?? this.numberOf(fromBlock ?? 'latest')
    const to = Math.min(this.head, one ?? this.numberOf(toBlock ?? 'latest'))
    const speakers = address && new Set([address].flat().map((one) => one.toLowerCase()))
    const names = first && new Set([first].flat())
    const found = []
    for (let block = from; block <= to; block++)
      for (const event of this.events[block]!) {
        if (speakers && !speakers.has(event.address)) continue
        if (names && !names.has(event.topics[0]!)) continue
        found.push(this.log(block, event))
      }
    return found
  }

  private log(block: number, event: Recorded) {
    return {
      address: event.address,
      topics: event.topics,
      data: event.data,
      blockNumber: hex(block),
      blockHash: this.hashes[block],
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
