import { WebSocket } from 'ws'
import { type Answer, type Call, patiently, type Rpc, type RpcOptions, results, shownUrl } from './rpc.ts'

/** A JSON-RPC client over WebSocket: one connection, opened when it is needed and again when it is lost, which also announces
 *  new heads as they come. */
export function webSocketRpc(url: string, options: RpcOptions = {}): Rpc {
  const { timeoutMs = 30_000, batchSize = 100, signal, onRequest } = options
  const waiting = new Map<number, { done: (answer: Answer) => void; fail: (error: Error) => void }>()
  const hearers = new Set<() => void>()
  let nextId = 1
  let opening: Promise<WebSocket> | undefined

  function receive(data: string) {
    const body = JSON.parse(data) as Answer | Answer[] | { method: string }
    for (const message of Array.isArray(body) ? body : [body]) {
      if ('method' in message) for (const hear of hearers) hear()
      else if ('id' in message) {
        waiting.get(message.id)?.done(message)
        waiting.delete(message.id)
      }
    }
  }

  function lose(reason: string) {
    opening = undefined
    for (const [id, { fail }] of waiting) {
      waiting.delete(id)
      fail(new Error(reason))
    }
    for (const hear of hearers) hear() // the next look opens the connection again
  }

  function open(): Promise<WebSocket> {
    opening ??= new Promise((done, fail) => {
      const socket = new WebSocket(url, { handshakeTimeout: timeoutMs, maxPayload: 512 * 1024 * 1024 })
      const close = () => socket.close()
      signal?.addEventListener('abort', close, { once: true })
      socket.on('message', (data) => receive(String(data)))
      socket.on('error', (error) => fail(error))
      socket.on('close', () => {
        signal?.removeEventListener('abort', close)
        fail(new Error('connection closed'))
        lose('connection closed')
      })
      socket.on('open', () => {
        if (hearers.size) subscribe(socket)
        done(socket)
      })
    })
    opening.catch(() => {
      opening = undefined
    })
    return opening
  }

  /** The answer needs no waiting for: a node that cannot subscribe is polled like any other. */
  function subscribe(socket: WebSocket) {
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: nextId++, method: 'eth_subscribe', params: ['newHeads'] }))
  }

  async function send(calls: readonly Call[]): Promise<Answer[]> {
    signal?.throwIfAborted()
    const socket = await open()
    onRequest?.(calls.length)
    const bodies = calls.map((call) => ({ jsonrpc: '2.0', id: nextId++, ...call }))
    const answers = bodies.map(({ id }) => new Promise<Answer>((done, fail) => waiting.set(id, { done, fail })))
    socket.send(JSON.stringify(bodies.length === 1 ? bodies[0] : bodies))
    const timer = setTimeout(() => {
      for (const { id } of bodies) waiting.get(id)?.fail(new Error(`no answer within ${timeoutMs} ms`))
    }, timeoutMs)
    try {
      return await Promise.all(answers)
    } finally {
      clearTimeout(timer)
      for (const { id } of bodies) waiting.delete(id)
    }
  }

  const ask = (calls: readonly Call[]) =>
    patiently(async () => results(calls, await send(calls)), shownUrl(url), options)

  return {
    url,
    request: async (method, params = []) => (await ask([{ method, params }]))[0],
    async batch(calls) {
      const parts: Promise<unknown[]>[] = []
      for (let start = 0; start < calls.length; start += batchSize)
        parts.push(ask(calls.slice(start, start + batchSize)))
      return (await Promise.all(parts)).flat()
    },
    onHead(hear) {
      hearers.add(hear)
      void opening?.then(subscribe, () => {})
    },
  }
}
