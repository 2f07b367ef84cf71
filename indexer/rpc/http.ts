import { NodeSilent, noJsonRpc, PAYLOAD_TOO_LARGE, retryAfterMs, statusError } from './errors.ts'
import { type Rpc, redactedUrl } from './rpc.ts'
import {
  bodyOf,
  type JsonRpcRequest,
  type JsonRpcResponse,
  messagesIn,
  rpcOver,
  silence,
  type TransportOptions,
  timeoutOf,
} from './transport.ts'

/** A JSON-RPC client over HTTP. A user and password in the URL are sent as basic authentication. */
export function httpRpc(url: string, options: TransportOptions = {}): Rpc {
  const { signal } = options
  const { address, headers } = addressed(url)

  async function send(requests: readonly JsonRpcRequest[]): Promise<JsonRpcResponse[]> {
    const timeoutMs = timeoutOf(requests, options.timeoutMs)
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      const response = await fetch(address, {
        method: 'POST',
        headers,
        body: bodyOf(requests),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      })
      const text = Buffer.from(await response.arrayBuffer()).toString() // half the work of `text()`
      const failure = statusError(redactedUrl(url), response.status, text, retryAfterMs(response.headers))
      if (failure) throw failure
      return messagesOf(redactedUrl(url), text, response.status)
    } catch (cause) {
      if (timeout.aborted && !signal?.aborted) throw new NodeSilent(silence(timeoutMs))
      throw cause
    }
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

function messagesOf(endpoint: string, text: string, status: number): JsonRpcResponse[] {
  if (status === PAYLOAD_TOO_LARGE) throw noJsonRpc(endpoint, status)
  try {
    return messagesIn(text)
  } catch (error) {
    throw status < 400 ? error : noJsonRpc(endpoint, status)
  }
}
