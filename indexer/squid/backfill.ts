import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { IndexerError } from '../errors.ts'
import type { FollowedDeployment } from '../follow/begin.ts'
import { shownUrl } from '../rpc/rpc.ts'
import type { ProcessorOptions } from './processor.ts'

export interface ProcessorNeeds extends ProcessorOptions {
  databaseUrl: string
  deployment: FollowedDeployment
}

const TOLD = 2_000
/** Found from here, not from where the program was started. */
const LOADER = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

const decimal = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)

/** Runs the processor in a child process until it ends or `signal` aborts. The cursor must stand already.
 *  @throws IndexerError with the end of what the processor said, when it failed. */
export async function runProcessorProcess(needs: ProcessorNeeds, signal: AbortSignal): Promise<void> {
  const script = new URL('./main.ts', import.meta.url).pathname
  const child = spawn(process.execPath, ['--import', LOADER, script, JSON.stringify(needs, decimal)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop, { once: true })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-TOLD)
  })
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail)
    child.once('exit', done)
  })
  signal.removeEventListener('abort', stop)
  if (code !== 0 && !signal.aborted) throw new IndexerError(`The batch processor ended with ${code}: ${said.trim()}`)
}

/** The last block that a gateway serves. @throws IndexerError when it is none. */
export async function gatewayHeight(gatewayUrl: string, signal: AbortSignal): Promise<number> {
  const url = `${gatewayUrl.replace(/\/$/, '')}/height`
  const answer = await fetch(url, { signal }).catch((cause: Error) => cause)
  const height = answer instanceof Error || !answer.ok ? Number.NaN : Number((await answer.text()).trim())
  if (Number.isSafeInteger(height)) return height
  throw new IndexerError(`GATEWAY_URL: ${shownUrl(gatewayUrl)} is no Subsquid Network gateway. Correct or unset it.`)
}
