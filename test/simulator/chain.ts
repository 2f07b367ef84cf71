import { encodeAbiParameters, type Hex, keccak256 } from 'viem'
import { randomLog, type SimulatedLog } from './events.ts'
import type { Random } from './random.ts'

/** A chain out of nothing: random logs, real links, forks. */

export interface SimulatedBlock {
  number: number
  hash: Hex
  parentHash: Hex
  timestamp: number
  logs: SimulatedLog[]
}

export const CHAIN_ID = 424_242
const GENESIS = 1_800_000_000
const hex = (value: number) => `0x${value.toString(16)}`

export class SimulatedChain {
  blocks: SimulatedBlock[] = []
  private salt = 0n

  constructor(
    private readonly random: Random,
    private readonly confirmations: number,
  ) {
    this.append([])
  }

  get head() {
    return this.blocks.length - 1
  }

  mine(count: number) {
    for (let i = 0; i < count; i++) this.append(Array.from({ length: this.random(5) }, () => randomLog(this.random)))
  }

  /** Replaces the last blocks, none of them final, by others: fewer, as many or more. */
  fork(depth: number) {
    const kept = Math.max(this.blocks.length - depth, this.head - this.confirmations + 1, 1)
    const lost = this.blocks.length - kept
    this.blocks.length = kept
    this.mine(Math.max(0, lost - 1 + this.random(4)))
  }

  answer(method: string, params: unknown[]): unknown {
    if (method === 'eth_chainId') return hex(CHAIN_ID)
    if (method === 'eth_getBlockByNumber') return this.header(params[0] as string)
    if (method === 'eth_getLogs')
      return this.logs(params[0] as { fromBlock: string; toBlock: string; blockHash?: string })
    if (method === 'eth_call') {
      const words = [{ type: 'string' }] as const
      return encodeAbiParameters(words, ['mode=timestamp'])
    }
    throw new Error(`no ${method} here`)
  }

  private append(logs: SimulatedLog[]) {
    const number = this.blocks.length
    const parentHash = this.blocks[number - 1]?.hash ?? `0x${'0'.repeat(64)}`
    const types = [{ type: 'bytes32' }, { type: 'uint256' }] as const
    const hash = keccak256(encodeAbiParameters(types, [parentHash, ++this.salt]))
    const timestamp = (this.blocks[number - 1]?.timestamp ?? GENESIS) + 1 + this.random(5)
    this.blocks.push({ number, hash, parentHash, timestamp, logs })
  }

  private header(tag: string) {
    const block = this.blocks[tag === 'latest' ? this.head : Number(tag)]
    if (!block) return null
    return { ...block, number: hex(block.number), timestamp: hex(block.timestamp), logs: undefined }
  }

  private logs({ fromBlock, toBlock, blockHash }: { fromBlock: string; toBlock: string; blockHash?: string }) {
    const chosen = blockHash
      ? this.blocks.filter((block) => block.hash === blockHash)
      : this.blocks.slice(Number(fromBlock), Number(toBlock) + 1)
    if (blockHash && !chosen.length) throw new Error('unknown block')
    return chosen.flatMap((block) =>
      block.logs.map((log, index) => ({
        ...log,
        blockNumber: hex(block.number),
        blockHash: block.hash,
        transactionHash: block.hash,
        logIndex: hex(index),
      })),
    )
  }
}
