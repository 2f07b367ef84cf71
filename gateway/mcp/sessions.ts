import { randomUUID } from 'node:crypto'
import {
  isInitializeRequest,
  type McpHandlerRequestOptions,
  type McpServer,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { LRUCache } from 'lru-cache'
import { jsonRpcError } from './jsonRpc.ts'

/** The sessions that revision 2025-11-25 has. Since 2026-07-28 there are none: each request stands for itself. */

interface Session {
  owner: string
  server: McpServer
  transport: WebStandardStreamableHTTPServerTransport
}

/** All sessions together; a further one ends the one that was used longest ago. Its client is told with 404, and opens another. */
export const MAX_SESSIONS = 512
/** Those of one key, and those of all that have none: nobody ends the sessions of others. */
export const MAX_SESSIONS_OF_ONE = 128
/** A session that is not used for this time ends. */
const IDLE_MS = 30 * 60_000

export class Sessions {
  private readonly live = new LRUCache<string, Session>({
    max: MAX_SESSIONS,
    ttl: IDLE_MS,
    updateAgeOnGet: true,
    dispose: ({ server }) => void server.close().catch(() => {}),
  })

  constructor(private readonly makeServer: () => McpServer) {}

  async fetch(request: Request, options: McpHandlerRequestOptions): Promise<Response> {
    const owner = options.authInfo?.clientId ?? ''
    const id = request.headers.get('mcp-session-id')
    if (id !== null) {
      const session = this.live.get(id)
      if (session?.owner !== owner)
        return jsonRpcError(404, -32001, 'There is no such session, or it has ended. Send `initialize` for a new one.')
      return session.transport.handleRequest(request, options)
    }
    if (!isInitializeRequest(options.parsedBody))
      return jsonRpcError(
        400,
        -32000,
        'The header Mcp-Session-Id is missing. Send `initialize` first, and then its value.',
      )
    this.makeRoom(owner)
    return (await this.open(owner)).handleRequest(request, options)
  }

  private async open(owner: string): Promise<WebStandardStreamableHTTPServerTransport> {
    const server = this.makeServer()
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void this.live.set(id, { owner, server, transport }),
      onsessionclosed: (id) => void this.live.delete(id),
    })
    await server.connect(transport)
    return transport
  }

  private makeRoom(owner: string): void {
    this.live.purgeStale()
    const own = [...this.live.rkeys()].filter((id) => this.live.peek(id)?.owner === owner) // the one used longest ago first
    for (const id of own.slice(0, Math.max(0, own.length + 1 - MAX_SESSIONS_OF_ONE))) this.live.delete(id)
  }
}
