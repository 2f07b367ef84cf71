import { createHash } from 'node:crypto'
import { encodeAbiParameters, type Hex } from 'viem'
import { bloomOf } from './bloom.ts'
import { randomLog, type SimulatedLog } from './events.ts'
import type { SeededRandom } from './random.ts'

/** A simulated chain: random logs, blocks linked by their hashes, forks and finality. */

export interface SimulatedBlock {
  number: number
  hash: Hex
  parentHash: Hex
  timestamp: number
  logs: SimulatedLog[]
  logsBloom: Hex
}

/** The finality of a chain: a number of blocks behind the head, or the `finalized` tag, which moves in steps of `stride` blocks. */
export type Finality = { count: number } | { lag: number; stride: number }

/** The blocks that a node knows, from block 0 on. */
export type ChainView = readonly SimulatedBlock[]

export const SIMULATED_CHAIN_ID = 424_242
const GENESIS_SECONDS = 1_800_000_000
const MAX_BRANCHES = 4
const hex = (value: number) => `0x${value.toString(16)}`

/** The serialised logs of each block, because the same log is requested many times. */
const serialised = new WeakMap<SimulatedBlock, object[]>()

export class SimulatedChain {
  blocks: SimulatedBlock[] = []
  /** The abandoned branches of forks, newest last: nodes that have not seen the fork still answer from them. */
  readonly branches: ChainView[] = []
  /** The highest block that was ever final: no honest fork removes it. */
  final = 0
  private salt = 0

  constructor(
    private readonly random: SeededRandom,
    private readonly finality: Finality,
    private readonly seed: number,
  ) {
    this.append([])
  }

  get head() {
    return this.blocks.length - 1
  }

  mine(count: number) {
    for (let i = 0; i < count; i++) {
      const logs = this.random(4) ? Array.from({ length: this.random(6) }, () => randomLog(this.random)) : []
      this.append(logs)
    }
  }

  /** The depth of the deepest fork that removes no final block. */
  get maxForkDepth() {
    return this.head - this.final
  }

  /** Replaces the last `depth` blocks by fewer, as many or more blocks. */
  fork(depth: number) {
    const kept = Math.max(this.blocks.length - depth, 1)
    const lost = this.blocks.length - kept
    if (!lost) return
    this.branches.push([...this.blocks])
    if (this.branches.length > MAX_BRANCHES) this.branches.shift()
    this.blocks.length = kept
    this.final = Math.min(this.final, this.head)
    this.mine(Math.max(0, lost - 1 + this.random(4)))
  }

  /** The final block according to a node with this view. */
  finalOf(view: ChainView): number {
    const head = view.length - 1
    const { finality } = this
    const final =
      'count' in finality
        ? head - finality.count
        : Math.floor((head - finality.lag) / finality.stride) * finality.stride
    return Math.max(0, final)
  }

  private append(logs: SimulatedLog[]) {
    const number = this.blocks.length
    const parentHash = this.blocks[number - 1]?.hash ?? `0x${'0'.repeat(64)}`
    const hash: Hex = `0x${createHash('sha256')
      .update(`${this.seed} ${++this.salt} ${parentHash}`)
      .digest('hex')}`
    const timestamp = (this.blocks[number - 1]?.timestamp ?? GENESIS_SECONDS) + 1 + this.random(5)
    this.blocks.push({ number, hash, parentHash, timestamp, logs, logsBloom: bloomOf(logs) })
    this.final = Math.max(this.final, this.finalOf(this.blocks))
  }
}

/** The answer of a node with this view. @throws Error with the message of a node. */
export function answerFrom(view: ChainView, final: number, method: string, params: readonly unknown[]): unknown {
  if (method === 'eth_chainId') return hex(SIMULATED_CHAIN_ID)
  if (method === 'eth_blockNumber') return hex(view.length - 1)
  if (method === 'eth_getBlockByNumber') return header(view, final, params[0] as string)
  if (method === 'eth_getLogs') return logs(view, params[0] as LogCriteria)
  if (method === 'eth_call') return encodeAbiParameters([{ type: 'string' }], ['mode=timestamp'])
  throw new Error(`the method ${method} does not exist`)
}

function header(view: ChainView, final: number, tag: string) {
  const block = view[tag === 'latest' ? view.length - 1 : tag === 'finalized' || tag === 'safe' ? final : Number(tag)]
  if (!block) return null
  const { hash, parentHash, logsBloom } = block
  return { number: hex(block.number), hash, parentHash, timestamp: hex(block.timestamp), logsBloom }
}

export interface LogCriteria {
  fromBlock?: string
  toBlock?: string
  blockHash?: string
  address?: string | readonly string[]
  topics?: readonly (string | null | readonly string[])[]
}

/** Like real nodes, it omits blocks that it does not have yet without an error. */
function logs(view: ChainView, { fromBlock, toBlock, blockHash, address, topics }: LogCriteria) {
  const chosen = blockHash
    ? view.filter((block) => block.hash === blockHash)
    : view.slice(Number(fromBlock), Number(toBlock) + 1)
  if (blockHash && !chosen.length) throw new Error('unknown block')
  const from = address === undefined ? undefined : new Set([address].flat())
  const first = topics?.[0] ? new Set([topics[0]].flat()) : undefined
  return chosen.flatMap((block) =>
    logsOf(block).filter((_, index) => {
      const { address: emitter = '', topics: [topic = ''] = [] } = block.logs[index] ?? {}
      return (!from || from.has(emitter)) && (!first || first.has(topic))
    }),
  )
}

function logsOf(block: SimulatedBlock): object[] {
  const known = serialised.get(block)
  if (known) return known
  const made = block.logs.map((log, index) => ({
    ...log,
    blockNumber: hex(block.number),
    blockHash: block.hash,
    transactionHash: block.hash,
    logIndex: hex(index),
  }))
  serialised.set(block, made)
  return made
}
