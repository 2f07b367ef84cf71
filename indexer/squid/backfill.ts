import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { FollowedDeployment } from '../deployment.ts'
import { IndexerError } from '../errors.ts'
import type { Follower, FollowerContext } from '../follow/follower.ts'
import type { IndexerOptions } from '../options.ts'
import { redactedUrl } from '../rpc/rpc.ts'
import { LeaseLost } from '../store/lease.ts'
import { LEFT_TO_THE_NODE, type ProcessorOptions } from './processor.ts'

/** Final blocks from a Subsquid Network gateway, processed in a child process before the node serves the rest. */

export interface ProcessArguments extends ProcessorOptions {
  databaseUrl: string
  deployment: FollowedDeployment
  /** The nodes that are asked about contracts. */
  nodeUrl?: string
  /** The token of the indexer's lease: what the processor stores is fenced by it. */
  token?: number
}

const MAX_ERROR_OUTPUT = 2_000
const RUN = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

const decimal = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)

/** Fetches final blocks from the gateway, if one is configured and has blocks that the index lacks. */
export async function backfillFromGateway(
  { db, rpcUrl, gatewayUrl, deployment, log }: IndexerOptions,
  { source, children, setAside, signal, lease }: FollowerContext,
  follower: Follower,
): Promise<void> {
  if (!gatewayUrl) return
  if (children.factories.length || children.count || setAside.size)
    return log?.warn(
      { gatewayUrl: redactedUrl(gatewayUrl) },
      'The gateway is not used: it cannot follow contracts that a factory creates',
    )
  const [height, { final }] = [await gatewayHeight(gatewayUrl, signal), await source.tip()]
  const toBlock = Math.min(height, final)
  if (toBlock <= follower.position.block) return
  log?.info({ from: follower.position.block + 1, to: toBlock }, 'Fetching final blocks from the gateway')
  const { token } = lease
  const processing = { databaseUrl: db.url, deployment, nodeUrl: rpcUrl, token, gatewayUrl, toBlock, confirmations: 0 }
  await runProcessorProcess(processing, signal).catch((error) => {
    if (lease.held) throw error
    throw new LeaseLost('The lock of the chain was lost while blocks came from the gateway', { cause: error })
  })
  await follower.reload()
}

/** Runs the processor in a child process until it ends or `signal` aborts. The cursor must exist.
 *  @throws IndexerError with the end of the processor's error output, when it failed. */
export async function runProcessorProcess(options: ProcessArguments, signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [RUN, 'indexer/squid/main.ts', JSON.stringify(options, decimal)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop, { once: true })
  let errorOutput = ''
  child.stderr.on('data', (chunk) => {
    errorOutput = (errorOutput + chunk).slice(-MAX_ERROR_OUTPUT)
  })
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail)
    child.once('exit', done)
  })
  signal.removeEventListener('abort', stop)
  if (code !== 0 && code !== LEFT_TO_THE_NODE && !signal.aborted)
    throw new IndexerError(`The batch processor ended with exit code ${code}: ${errorOutput.trim()}`)
}

/** The last block that a gateway serves. @throws IndexerError when the URL is not a gateway. */
async function gatewayHeight(gatewayUrl: string, signal: AbortSignal): Promise<number> {
  const url = `${gatewayUrl.replace(/\/$/, '')}/height`
  const answer = await fetch(url, { signal }).catch((cause: Error) => cause)
  const height = answer instanceof Error || !answer.ok ? Number.NaN : Number((await answer.text()).trim())
  if (Number.isSafeInteger(height)) return height
  throw new IndexerError(
    `GATEWAY_URL: ${redactedUrl(gatewayUrl)} is not a Subsquid Network gateway. Correct or unset it.`,
  )
}
