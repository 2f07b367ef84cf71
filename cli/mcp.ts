import {
  type JSONRPCMessage,
  type RequestId,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { readConfig } from '#config'
import { interruptible } from './interruption.ts'

export interface McpOptions {
  /** The API. Default: that of the configuration, as for its key. */
  api?: string
  /** Who pays, of an API that requires no keys. */
  consumer?: string
  /** The payment channel that pays. */
  channel?: string
}

/** Speaks MCP over standard input and output, for programs that start their servers: each message goes to `/mcp` of the API, whose tools they are. Ends when
 *  the input does. Nothing else is written to standard output. */
export const serveStdio = ({ api, consumer, channel }: McpOptions): Promise<void> =>
  interruptible(async (signal) => {
    const config = readConfig(process.env, { requireDeployment: false, signs: false })
    const url = new URL(`${(api ?? config.apiUrl).replace(/\/$/, '')}/mcp`)
    const headers = {
      ...(config.apiKey && { authorization: `Bearer ${config.apiKey}` }),
      ...(consumer && { 'x-consumer': consumer }),
      ...(channel && { 'x-channel': channel }),
    }
    await forward(
      new StdioServerTransport(),
      new StreamableHTTPClientTransport(url, { requestInit: { headers } }),
      signal,
    )
  })

/** Carries messages between a client and a server until the client’s side closes or `signal` aborts. */
async function forward(
  client: StdioServerTransport,
  server: StreamableHTTPClientTransport,
  signal: AbortSignal,
): Promise<void> {
  const running = new Map<RequestId, AbortController>()
  const closed = new Promise<void>((resolve) => {
    client.onclose = resolve
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  server.onmessage = (message) => {
    if ('id' in message && !('method' in message) && message.id !== undefined) running.delete(message.id)
    adopt(server, message)
    void client.send(message)
  }
  server.onerror = () => {} // each request has its own failure
  client.onerror = (error) => console.error(error.message)
  client.onmessage = (message) => void send(message)

  async function send(message: JSONRPCMessage): Promise<void> {
    if ('method' in message && message.method === 'notifications/cancelled') {
      const cancelled = running.get((message.params as { requestId: RequestId }).requestId)
      // Since 2026-07-28 a request is cancelled by closing its response.
      if (isStateless(server)) return cancelled?.abort()
    }
    const id = 'method' in message && 'id' in message ? message.id : undefined
    const abort = new AbortController()
    if (id !== undefined) running.set(id, abort)
    try {
      await server.send(message, { requestSignal: abort.signal })
    } catch (error) {
      if (id === undefined || abort.signal.aborted) return
      running.delete(id)
      await client.send({ jsonrpc: '2.0', id, error: { code: -32000, message: explain(error) } })
    }
  }

  await server.start()
  await client.start()
  await closed
  for (const abort of running.values()) abort.abort()
  await server.close()
  await client.close()
}

/** The revision that an initialised session speaks goes with each of its later messages. */
function adopt(server: StreamableHTTPClientTransport, message: JSONRPCMessage): void {
  if (!('result' in message)) return
  const { protocolVersion } = message.result as { protocolVersion?: unknown }
  if (typeof protocolVersion === 'string') server.setProtocolVersion(protocolVersion)
}

const isStateless = ({ sessionId }: StreamableHTTPClientTransport) => sessionId === undefined

function explain(error: unknown): string {
  const { message, cause } = error as Error
  if (error instanceof SdkHttpError) return message
  return `The API does not answer (${(cause as Error | undefined)?.message ?? message}). Start it with \`modelcommons up\`, or set MODELCOMMONS_API.`
}
