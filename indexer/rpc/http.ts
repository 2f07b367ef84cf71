import { NodeBusy, RpcError, statusError } from './errors.ts'
import { type Rpc, redactedUrl } from './rpc.ts'
import { bodyOf, type JsonRpcRequest, type JsonRpcResponse, rpcOver, type TransportOptions } from './transport.ts'

/** A JSON-RPC client over HTTP. */
export function httpRpc(url: string, options: TransportOptions = {}): Rpc {
  const { timeoutMs = 30_000, signal } = options

  async function send(requests: readonly JsonRpcRequest[]): Promise<JsonRpcResponse[]> {
    const timeout = AbortSignal.timeout(timeoutMs)
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: bodyOf(requests),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    const text = Buffer.from(await response.arrayBuffer()).toString() // half the work of `text()`
    const failure = statusError(redactedUrl(url), response.status, text)
    if (failure) throw failure
    const body = parse(text, response.status)
    return Array.isArray(body) ? body : [body]
  }

  return rpcOver(url, send, options)
}

function parse(text: string, status: number): JsonRpcResponse | JsonRpcResponse[] {
  try {
    return JSON.parse(text)
  } catch {
    if (status >= 400) throw new RpcError('the request', status, text.slice(0, 200) || `HTTP ${status}`)
    throw new NodeBusy('the answer is not JSON')
  }
}
