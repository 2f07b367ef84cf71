import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { httpRpc } from './http.ts'
import type { Rpc } from './rpc.ts'
import { webSocketRpc } from './websocket.ts'

type Request = { id: number; method: string }
/** What a node answers to a body. */
type Answer = (calls: Request | Request[]) => { status?: number; body: unknown }

const each = (calls: Request | Request[], result: (call: Request) => object) => {
  const answers = [calls].flat().map((call) => ({ jsonrpc: '2.0', id: call.id, ...result(call) }))
  return { body: Array.isArray(calls) ? answers : answers[0] }
}
const echo = (calls: Request | Request[]) => each(calls, ({ method }) => ({ result: method }))
const refusal = (code: number, message: string) => ({ jsonrpc: '2.0', id: null, error: { code, message } })
const isTooMany = (calls: Request | Request[], limit: number) => Array.isArray(calls) && calls.length > limit

/** As providers and nodes say how many calls they take in a request. */
const NODES: [string, number, Answer, boolean][] = [
  [
    'three, in words',
    3,
    (calls) =>
      isTooMany(calls, 3)
        ? { body: refusal(31, 'Batch of more than 3 requests are not allowed on free tier') }
        : echo(calls),
    true,
  ],
  [
    'ten, once for each call',
    10,
    (calls) =>
      isTooMany(calls, 10)
        ? each(calls, () => ({ error: { code: -32000, message: 'batch limit 10 exceeded' } }))
        : echo(calls),
    true,
  ],
  [
    'none, as an invalid request',
    1,
    (calls) => (Array.isArray(calls) ? { body: refusal(-32600, 'Invalid Request') } : echo(calls)),
    true,
  ],
  [
    'a few, as a body that is too large',
    6,
    (calls) => (isTooMany(calls, 6) ? { status: 413, body: '' } : echo(calls)),
    false,
  ],
]

const calls = Array.from({ length: 25 }, (_, nth) => ({ method: `call_${nth}`, params: [] }))

async function learns(rpc: Rpc, sizes: number[], limit: number) {
  expect(await rpc.batch(calls)).toEqual(calls.map(({ method }) => method))
  sizes.length = 0
  expect(await rpc.batch(calls)).toEqual(calls.map(({ method }) => method))
  expect(Math.max(...sizes)).toBeLessThanOrEqual(limit) // the limit is remembered
}

test.each(NODES)('HTTP: a node takes %s in a request', async (_, limit, answer) => {
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const { status = 200, body } = answer(JSON.parse(text))
    response.writeHead(status).end(JSON.stringify(body))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  const sizes: number[] = []
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await learns(httpRpc(url, { delayMs: 1, onRequest: (size) => sizes.push(size) }), sizes, limit)
})

test.each(NODES.filter(([, , , overSocket]) => overSocket))(
  'WebSocket: a node takes %s in a request',
  async (_, limit, answer) => {
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => void sockets.close())
    sockets.on('connection', (socket: WebSocket) => {
      socket.on('message', (data) => socket.send(JSON.stringify(answer(JSON.parse(String(data))).body)))
    })
    await new Promise((done) => sockets.once('listening', done))
    const sizes: number[] = []
    const stop = new AbortController()
    onTestFinished(() => stop.abort())
    const url = `ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`
    await learns(
      webSocketRpc(url, { delayMs: 1, signal: stop.signal, onRequest: (size) => sizes.push(size) }),
      sizes,
      limit,
    )
  },
)
