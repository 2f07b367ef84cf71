/** JSON-RPC 2.0 over any transport, as the rest of the indexer uses it. */

export interface RpcCall {
  method: string
  params: readonly unknown[]
}

export interface Rpc {
  readonly url: string
  request(method: string, params?: readonly unknown[]): Promise<unknown>
  /** Sends several calls in as few requests as the limits allow; results come in the order of the calls.
   *  @throws RpcError of the first call that the node refused. */
  batch(calls: readonly RpcCall[]): Promise<unknown[]>
  /** Calls `listener` when the node announces a new head, where the transport supports it. */
  onHead?(listener: () => void): void
}

/** The URL without credentials, path and query, safe for logs and messages: a path or query may hold an API key. */
export function redactedUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname.length > 1 ? '/…' : ''}`
}
