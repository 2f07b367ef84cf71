import { type BlockHeader, EvmBatchProcessor, type Log as SquidLog } from '@subsquid/evm-processor'
import type { BlockRange } from '../chain/blockRange.ts'
import type { ResolvedDeployment } from '../deployment.ts'
import { UnfitEvent } from '../handlers/steps.ts'
import type { Log } from '../rpc/answers.ts'
import type { RangeStore, VersionedDatabase } from './database.ts'

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
  /** A Subsquid Network gateway, which serves final blocks in bulk. */
  gatewayUrl?: string
  /** A node; without it the processor ends at the gateway's last block. */
  rpcUrl?: string
  confirmations: number
  /** The last block to process; without it, the processor follows the head. */
  toBlock?: number
}

/** The exit code before blocks in which a contract is announced, or has to be set aside: our own source goes on there. */
export const LEFT_TO_THE_NODE = 3

/** Runs `@subsquid/evm-processor` into our tables. **It ends the process**: with exit code 0 after `toBlock`, `LEFT_TO_THE_NODE`, or 1 on an error. */
export function runProcessor(
  deployment: ResolvedDeployment,
  database: VersionedDatabase,
  options: ProcessorOptions,
): void {
  const processor = new EvmBatchProcessor()
    .setFields(FIELDS)
    .setFinalityConfirmation(options.confirmations)
    .setBlockRange({ from: deployment.startBlock, to: options.toBlock })
    .addLog({ address: Object.values(deployment.contracts), topic0: deployment.topics })
  if (options.gatewayUrl) processor.setGateway(options.gatewayUrl)
  if (options.rpcUrl) processor.setRpcEndpoint({ url: options.rpcUrl })
  // A head timeout above 0 would end the processor on a chain without new blocks.
  processor.setRpcDataIngestionSettings({ disabled: !options.rpcUrl, headPollInterval: 500, newHeadTimeout: 0 })
  processor.run(database as Parameters<typeof processor.run<RangeStore>>[0], async ({ blocks, store }) => {
    const range = rangeOf(blocks as SquidBlock[])
    if (deployment.children.addAnnounced(range.logs).length) process.exit(LEFT_TO_THE_NODE)
    await store.write(range).catch((error) => {
      if (error instanceof UnfitEvent) process.exit(LEFT_TO_THE_NODE)
      throw error
    })
  })
}

function rangeOf(blocks: SquidBlock[]): BlockRange {
  const headers = blocks.map(({ header }) => ({
    number: header.height,
    hash: header.hash,
    parentHash: header.parentHash,
    timestamp: new Date(header.timestamp),
  }))
  const logs = blocks.flatMap(({ header, logs }) => logs.map((log) => logOf(log, header)))
  const [first, last] = [headers[0], headers.at(-1)]
  if (!first || !last) throw new Error('The processor handed over a batch without blocks')
  return { from: first.number, to: last.number, headers, logs }
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
