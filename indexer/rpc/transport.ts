import { readAnswer } from './answers.ts'
import { BatchRefused, batchLimit, NodeBusy, RpcError, readError, responseError } from './errors.ts'
import { type RetryOptions, withRetries } from './retry.ts'
import { type Rpc, type RpcCall, redactedUrl } from './rpc.ts'

/** What HTTP and WebSocket have in common: ids, batches, the order of results, errors and retries. */

export interface TransportOptions extends RetryOptions {
  /** How long a response with logs may take: 30,000. Any other response may take 10,000 at most. */
  timeoutMs?: number
  /** Calls in one request at most: 100. */
  batchSize?: number
  /** After how long without an answer another endpoint is asked too, in milliseconds: 3,000, and 10,000 for logs. */
  hedgeMs?: number
  /** Counts requests. */
  onRequest?: (calls: number) => void
}

export interface JsonRpcRequest extends RpcCall {
  jsonrpc: '2.0'
  id: number
}

export interface JsonRpcResponse {
  /** Null in an error about a batch as a whole. */
  id: number | null
  result?: unknown
  error?: unknown
}

/** Sends one JSON-RPC request, or several as a batch, and resolves to the responses, in any order.
 *  @throws RpcError or EndpointUnusable when the endpoint refuses the request; any other error means that it may be sent again. */
export type Send = (requests: readonly JsonRpcRequest[]) => Promise<readonly JsonRpcResponse[]>

/** The JSON-RPC messages of a body or a frame; what is no object is left out, as if it had not come. @throws NodeBusy when it is not JSON. */
export function messagesIn(text: string): JsonRpcResponse[] {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw new NodeBusy('the answer is not JSON', { cause })
  }
  const messages: unknown[] = Array.isArray(body) ? body : [body]
  return messages.filter((message): message is JsonRpcResponse => typeof message === 'object' && message !== null)
}

const TIMEOUT_MS = 30_000
const QUICK_TIMEOUT_MS = 10_000

/** Logs of many blocks may take long; a node that does not answer anything else soon does not answer at all. */
export const timeoutOf = (requests: readonly RpcCall[], timeoutMs = TIMEOUT_MS) =>
  requests.some(({ method }) => method === 'eth_getLogs') ? timeoutMs : Math.min(timeoutMs, QUICK_TIMEOUT_MS)

export const silence = (timeoutMs: number) => `no answer within ${timeoutMs / 1000} s`

/** The body of a request: a single call is not sent as a batch. */
export const bodyOf = (requests: readonly JsonRpcRequest[]) =>
  JSON.stringify(requests.length === 1 ? requests[0] : requests)

/** A client that sends with `send`. Its request ids begin at 1. */
export function rpcOver(url: string, send: Send, options: TransportOptions): Rpc {
  const { onRequest } = options
  const endpoint = redactedUrl(url)
  let { batchSize = 100 } = options
  let nextId = 1

  const attempt = async (calls: readonly RpcCall[]) => {
    const requests = calls.map((call): JsonRpcRequest => ({ jsonrpc: '2.0', id: nextId++, ...call }))
    onRequest?.(calls.length)
    const responses = await send(requests).catch((error) => {
      const limit = error instanceof RpcError ? batchLimit(calls.length, { code: error.code, message: '' }) : undefined
      throw limit === undefined ? error : new BatchRefused(limit, error.reason)
    })
    return results(endpoint, requests, inOrder(requests, responses))
  }
  const ask = async (calls: readonly RpcCall[]): Promise<unknown[]> => {
    try {
      return await withRetries(() => attempt(calls), endpoint, options)
    } catch (error) {
      if (!(error instanceof BatchRefused)) throw error
      batchSize = Math.min(batchSize, error.limit)
      return inBatches(calls)
    }
  }
  const inBatches = async (calls: readonly RpcCall[]) => {
    const parts: Promise<unknown[]>[] = []
    for (let start = 0; start < calls.length; start += batchSize) parts.push(ask(calls.slice(start, start + batchSize)))
    return (await Promise.all(parts)).flat()
  }

  return {
    url,
    request: async (method, params = []) => (await ask([{ method, params }]))[0],
    batch: inBatches,
  }
}

/** A node may answer a batch in any order, or all of it with one error. @throws BatchRefused when that says that a batch is too large */
function inOrder(requests: readonly JsonRpcRequest[], responses: readonly JsonRpcResponse[]): JsonRpcResponse[] {
  const [only] = responses
  if (requests.length > 1 && only?.error && responses.every((one) => one === only)) {
    const error = readError(only.error)
    const limit = batchLimit(requests.length, error)
    if (limit !== undefined) throw new BatchRefused(limit, error.message)
    return requests.map(() => only)
  }
  const byId = new Map(responses.map((response) => [response.id, response]))
  return requests.map(({ id, method }) => {
    const response = byId.get(id)
    if (!response) throw new NodeBusy(`no answer to ${method}`)
    return response
  })
}

const results = (
  endpoint: string,
  requests: readonly JsonRpcRequest[],
  responses: readonly JsonRpcResponse[],
): unknown[] =>
  requests.map((request, index) => {
    const { result, error } = responses[index] ?? {}
    return error ? refuse(endpoint, request, readError(error), requests.length) : readAnswer(request, result)
  })

function refuse(endpoint: string, call: RpcCall, error: { code: number; message: string }, calls: number): never {
  const limit = /\bbatch/i.test(error.message) ? batchLimit(calls, error) : undefined
  throw limit === undefined ? responseError(endpoint, call, error) : new BatchRefused(limit, error.message)
}
