import { WebSocket } from 'ws'
import { NodeSilent, noJsonRpc, statusError } from './errors.ts'
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

const MAX_MESSAGE_BYTES = 512 * 1024 * 1024
/** Nobody waits for the answer to the subscription: a node that cannot subscribe is polled like any other. */
const SUBSCRIPTION = { jsonrpc: '2.0', id: 0, method: 'eth_subscribe', params: ['newHeads'] }

/** A JSON-RPC client over one WebSocket connection, opened at the first request and again after it was lost. It also announces
 *  new heads. */
export function webSocketRpc(url: string, options: TransportOptions = {}): Rpc {
  const { signal } = options
  const waiting = new Map<number, { done: (response: JsonRpcResponse) => void; fail: (error: Error) => void }>()
  const listeners = new Set<() => void>()
  let opening: Promise<WebSocket> | undefined
  /** The requests that were sent together and not answered, oldest first. */
  const unanswered = new Set<readonly JsonRpcRequest[]>()
  /** Whether the node has not answered whether it can subscribe. */
  let subscribing = false

  function receive(data: string) {
    for (const message of messagesIn(data)) {
      if ('method' in message) for (const listener of listeners) listener()
      else if (message.id === null) refuse(message)
      else if (message.id === SUBSCRIPTION.id) subscribing = false
      else {
        waiting.get(message.id)?.done(message)
        waiting.delete(message.id)
      }
    }
  }

  /** An error that names no request is about what was sent first, as far as anybody can tell. A node that refuses the subscription like that may lack
   *  it, and nothing else. */
  function refuse(message: JsonRpcResponse) {
    if (subscribing) return void (subscribing = false)
    const [oldest] = unanswered
    if (!oldest) return
    unanswered.delete(oldest)
    const about = oldest.length > 1 ? message : { ...message, id: oldest[0]?.id ?? null }
    for (const { id } of oldest) waiting.get(id)?.done(about)
  }

  function lose(reason: Error) {
    opening = undefined
    subscribing = false
    for (const [id, { fail }] of waiting) {
      waiting.delete(id)
      fail(reason)
    }
    for (const listener of listeners) listener() // the next request opens the connection again
  }

  function open(): Promise<WebSocket> {
    opening ??= new Promise((done, fail) => {
      const handshakeTimeout = timeoutOf([], options.timeoutMs)
      const socket = new WebSocket(url, { handshakeTimeout, maxPayload: MAX_MESSAGE_BYTES })
      const close = () => socket.close()
      signal?.addEventListener('abort', close, { once: true })
      socket.on('message', (data) => {
        try {
          receive(String(data))
        } catch (error) {
          lose(error as Error) // which requests the frame answers is not known
          socket.close()
        }
      })
      socket.on('error', (error) =>
        fail(/handshake has timed out/.test(error.message) ? new NodeSilent(silence(handshakeTimeout)) : error),
      )
      socket.on('unexpected-response', (request, { statusCode = 0 }) => {
        request.destroy()
        fail(statusError(redactedUrl(url), statusCode, '') ?? noJsonRpc(redactedUrl(url), statusCode))
      })
      socket.on('close', () => {
        signal?.removeEventListener('abort', close)
        fail(new Error('connection closed'))
        lose(new Error('connection closed'))
      })
      socket.on('open', () => {
        if (listeners.size) subscribe(socket)
        done(socket)
      })
    })
    opening.catch(() => {
      opening = undefined
    })
    return opening
  }

  const subscribe = (socket: WebSocket) => {
    subscribing = true
    socket.send(JSON.stringify(SUBSCRIPTION))
  }

  async function send(requests: readonly JsonRpcRequest[]): Promise<JsonRpcResponse[]> {
    signal?.throwIfAborted()
    const socket = await open()
    const responses = requests.map(
      ({ id }) => new Promise<JsonRpcResponse>((done, fail) => waiting.set(id, { done, fail })),
    )
    unanswered.add(requests)
    socket.send(bodyOf(requests))
    const timeoutMs = timeoutOf(requests, options.timeoutMs)
    const timer = setTimeout(() => {
      for (const { id } of requests) waiting.get(id)?.fail(new NodeSilent(silence(timeoutMs)))
      socket.terminate() // a new connection may lead to another node
    }, timeoutMs)
    try {
      return await Promise.all(responses)
    } finally {
      clearTimeout(timer)
      unanswered.delete(requests)
      for (const { id } of requests) waiting.delete(id)
    }
  }

  return {
    ...rpcOver(url, send, options),
    onHead(listener) {
      listeners.add(listener)
      void opening?.then(subscribe, () => {})
    },
  }
}
