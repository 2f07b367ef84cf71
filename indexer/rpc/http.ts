import { RpcError, statusError } from './errors.ts'
import { type Rpc, redactedUrl } from './rpc.ts'
import {
  bodyOf,
  type JsonRpcRequest,
  type JsonRpcResponse,
  messagesIn,
  rpcOver,
  type TransportOptions,
} from './transport.ts'

/** A JSON-RPC client over HTTP. A user and password in the URL are sent as basic authentication. */
export function httpRpc(url: string, options: TransportOptions = {}): Rpc {
  const { timeoutMs = 30_000, signal } = options
  const { address, headers } = addressed(url)

  async function send(requests: readonly JsonRpcRequest[]): Promise<JsonRpcResponse[]> {
    const timeout = AbortSignal.timeout(timeoutMs)
    const response = await fetch(address, {
      method: 'POST',
      headers,
      body: bodyOf(requests),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    const text = Buffer.from(await response.arrayBuffer()).toString() // half the work of `text()`
    const failure = statusError(redactedUrl(url), response.status, text)
    if (failure) throw failure
    return messagesOf(text, response.status)
  }

  return rpcOver(url, send, options)
}

/** `fetch` refuses a URL with credentials, and its error would print them. */
function addressed(url: string): { address: URL; headers: Record<string, string> } {
  const address = new URL(url)
  const { username, password } = address
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (username || password) {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`
    address.username = address.password = ''
  }
  return { address, headers }
}

/** An error page is not quoted: it may repeat the path, which may hold an API key. */
function messagesOf(text: string, status: number): JsonRpcResponse[] {
  try {
    return messagesIn(text)
  } catch (error) {
    if (status < 400) throw error
    throw new RpcError('the request', status, `HTTP ${status} without JSON-RPC. Correct the path in RPC_URL`)
  }
}
