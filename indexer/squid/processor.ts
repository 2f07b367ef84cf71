import { type BlockHeader, EvmBatchProcessor, type Log as SquidLog } from '@subsquid/evm-processor'
import type { Log, Stretch } from '../chain/stretch.ts'
import type { Place } from '../follow/begin.ts'
import type { StretchStore, VersionedDatabase } from './database.ts'

const FIELDS = {
  block: { timestamp: true },
  log: { address: true, topics: true, data: true, transactionHash: true },
} as const

type Fields = typeof FIELDS

interface SquidBlock {
  header: BlockHeader<Fields>
  logs: SquidLog<Fields>[]
}

export interface ProcessorOptions {
  /** A Subsquid Network gateway: final blocks, by the ten thousand. */
  gatewayUrl?: string
  /** A node; without it the processor ends at the gateway's last block. */
  rpcUrl?: string
  confirmations: number
  /** The last block to process; without it, the processor follows the head. */
  toBlock?: number
}

/** Runs `@subsquid/evm-processor` into our tables. **It ends the process**: with 0 after `toBlock`, with 1 on an error. */
export function runProcessor(place: Place, database: VersionedDatabase, options: ProcessorOptions): void {
  const processor = new EvmBatchProcessor()
    .setFields(FIELDS)
    .setFinalityConfirmation(options.confirmations)
    .setBlockRange({ from: place.startBlock, to: options.toBlock })
    .addLog({ address: Object.values(place.contracts), topic0: place.topics })
  if (options.gatewayUrl) processor.setGateway(options.gatewayUrl)
  if (options.rpcUrl) processor.setRpcEndpoint({ url: options.rpcUrl })
  // a head timeout above 0 ends the processor on a quiet chain
  processor.setRpcDataIngestionSettings({ disabled: !options.rpcUrl, headPollInterval: 500, newHeadTimeout: 0 })
  processor.run(database as Parameters<typeof processor.run<StretchStore>>[0], async ({ blocks, store }) => {
    await store.write(stretchOf(blocks as SquidBlock[]))
  })
}

function stretchOf(blocks: SquidBlock[]): Stretch {
  const headers = blocks.map(({ header }) => ({
    number: header.height,
    hash: header.hash,
    parentHash: header.parentHash,
    timestamp: new Date(header.timestamp),
  }))
  const logs = blocks.flatMap(({ header, logs }) => logs.map((log) => logOf(log, header)))
  return { from: headers[0]!.number, to: headers.at(-1)!.number, headers, logs }
}

const logOf = (log: SquidLog<Fields>, header: { height: number; hash: string }): Log => ({
  address: log.address as Log['address'],
  topics: log.topics as Log['topics'],
  data: log.data as Log['data'],
  block: header.height,
  blockHash: header.hash,
  transactionHash: log.transactionHash,
  index: log.logIndex,
})
