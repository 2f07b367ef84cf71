import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { readAnswer } from './answers.ts'
import { RpcUnavailable } from './errors.ts'
import { httpRpc } from './http.ts'
import { webSocketRpc } from './websocket.ts'

/** The error that a request ends with. */
const failureOf = (request: Promise<unknown>): Promise<Error> =>
  request.then(
    () => {
      throw new Error('The request succeeded')
    },
    (failure: Error) => failure,
  )

const FAST = { tries: 2, delayMs: 1, timeoutMs: 2_000 }

async function httpNode(answer: (request: IncomingMessage) => { status?: number; body: string }) {
  const server = createServer((request, response) => {
    const { status = 200, body } = answer(request)
    request.resume().on('end', () => response.writeHead(status).end(body))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const FRAMES = ['null', '{"jsonrpc":"2.0","id"', '[null]', '"text"', '7', '']

test.each(FRAMES)(
  'HTTP: the answer %j is retried, then told as an endpoint that answers incompletely',
  async (body) => {
    const rpc = httpRpc(`http://${await httpNode(() => ({ body }))}/v2/SECRET`, FAST)
    for (const answer of [
      rpc.request('eth_chainId'),
      rpc.batch([
        { method: 'a', params: [] },
        { method: 'b', params: [] },
      ]),
    ]) {
      const error = await failureOf(answer)
      expect(error).toBeInstanceOf(RpcUnavailable)
      expect(error.message).toMatch(/is overloaded, limits requests, or answers incompletely/)
      expect(error.message).not.toContain('SECRET')
    }
  },
)

test.each(FRAMES)('WebSocket: the frame %j is retried and ends no process', async (frame) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => void server.close())
  await new Promise((done) => server.once('listening', done))
  let broken = true
  server.on('connection', (socket) =>
    socket.on('message', (data) => {
      const { id } = JSON.parse(String(data))
      socket.send(broken ? frame : JSON.stringify({ jsonrpc: '2.0', id, result: '0x1' }))
    }),
  )
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  const rpc = webSocketRpc(url, { ...FAST, timeoutMs: 200, signal: stop.signal })
  await expect(rpc.request('eth_chainId')).rejects.toBeInstanceOf(RpcUnavailable)
  broken = false
  expect(await rpc.request('eth_chainId')).toBe('0x1')
})

test('WebSocket: a connection that goes silent is left within 30 s for another one', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => void server.close())
  await new Promise((done) => server.once('listening', done))
  let connections = 0
  server.on('connection', (socket) => {
    let isSilent = false
    const goesSilent = connections++ === 0
    socket.on('message', (data) => {
      if (isSilent) return
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(String(data)).id, result: '0x1' }))
      isSilent = goesSilent
    })
  })
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const rpc = webSocketRpc(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { signal: stop.signal })
  expect(await rpc.request('eth_chainId')).toBe('0x1')
  const began = performance.now()
  expect(await rpc.request('eth_chainId')).toBe('0x1')
  expect(performance.now() - began).toBeLessThan(30_000)
  expect(connections).toBe(2)
})

/** A node over WebSocket. `answer` is called with the ids of what a frame asks. */
async function socketNode(answer: (ids: number[], method: string, reply: (message: object) => void) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => void server.close())
  await new Promise((done) => server.once('listening', done))
  server.on('connection', (socket) =>
    socket.on('message', (data) => {
      const calls: { id: number; method: string }[] = [JSON.parse(String(data))].flat()
      const reply = (message: object) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
      answer(
        calls.map(({ id }) => id),
        calls[0]?.method ?? '',
        reply,
      )
    }),
  )
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  return webSocketRpc(url, { tries: 2, delayMs: 1, timeoutMs: 20_000, signal: stop.signal })
}

test('WebSocket: an error that names no request is about the one that waits, which is asked again at once', async () => {
  let limited = true
  const rpc = await socketNode(([id], _, reply) => {
    if (limited) reply({ id: null, error: { code: 429, message: 'too many requests' } })
    else reply({ id, result: '0x1' })
    limited = false
  })
  const began = performance.now()
  expect(await rpc.request('eth_chainId')).toBe('0x1')
  expect(performance.now() - began).toBeLessThan(10_000)
})

test('WebSocket: a node that refuses the subscription without naming it refuses nothing else', async () => {
  const rpc = await socketNode((ids, method, reply) => {
    if (method === 'eth_subscribe') reply({ id: null, error: { code: -32601, message: 'method not found' } })
    else setTimeout(() => ids.forEach((id) => void reply({ id, result: '0x1' })), 50)
  })
  rpc.onHead?.(() => {})
  const call = { method: 'eth_chainId', params: [] }
  expect(await rpc.batch([call, call])).toEqual(['0x1', '0x1'])
})

test('an error page is not quoted, because it may repeat the path and its key', async () => {
  const host = await httpNode(({ url }) => ({ status: 404, body: `<pre>Cannot POST ${url}</pre>` }))
  const error = await failureOf(httpRpc(`http://${host}/v2/SECRET?key=SECRET`, FAST).request('eth_chainId'))
  expect(error).toBeInstanceOf(RpcUnavailable)
  expect(error.message).toContain('HTTP 404 without JSON-RPC. Correct the path in RPC_URL')
  expect(error.message).not.toContain('SECRET')
})

test('a user and password in the URL are sent as basic authentication, and never told', async () => {
  const seen: (string | undefined)[] = []
  const host = await httpNode(({ headers }) => {
    seen.push(headers.authorization)
    return { body: JSON.stringify({ jsonrpc: '2.0', id: 1, result: '0x1' }) }
  })
  expect(await httpRpc(`http://user:p%40ss@${host}/`, FAST).request('eth_chainId')).toBe('0x1')
  expect(seen).toEqual([`Basic ${Buffer.from('user:p@ss').toString('base64')}`])
  const away = httpRpc('http://user:SECRET@127.0.0.1:1/', FAST).request('eth_chainId')
  const error = await failureOf(away)
  expect(error).toBeInstanceOf(RpcUnavailable)
  expect(error.message).not.toContain('SECRET')
})

test.each([
  ['{"code":-32000}', 'no reason given'],
  ['{"code":-32000,"message":null}', 'no reason given'],
  ['"refused by you"', 'refused by you'],
])('the error %s has no or another form, and is told in words', async (error, told) => {
  const host = await httpNode(() => ({ body: `{"jsonrpc":"2.0","id":1,"error":${error}}` }))
  const failure = await failureOf(httpRpc(`http://${host}`, FAST).request('eth_chainId'))
  expect(failure.message).toContain(told)
  expect(failure.message).not.toContain('undefined')
})

const HASH = `0x${'ab'.repeat(32)}`
const ADDRESS = `0x${'aa'.repeat(20)}`
const BLOCK = { number: '0x1', hash: HASH, parentHash: HASH, timestamp: '0x5' }
const LOG = {
  address: ADDRESS.toUpperCase().replace('0X', '0x'),
  topics: [],
  data: '0x',
  blockNumber: '0x1',
  blockHash: HASH,
  transactionHash: HASH,
  logIndex: '0x0',
}

const blockCall = (place: string) => ({ method: 'eth_getBlockByNumber', params: [place, false] })
const logsCall = (criteria: object) => ({ method: 'eth_getLogs', params: [criteria] })
const inBlockOne = logsCall({ fromBlock: '0x1', toBlock: '0x1' })

test.each([
  'text',
  7,
  {},
  [],
  ...Object.keys(BLOCK).map((key) => ({ ...BLOCK, [key]: undefined })),
  { ...BLOCK, number: '0xzz' },
  { ...BLOCK, number: '0x2' },
  { ...BLOCK, hash: '0xab' },
  { ...BLOCK, timestamp: '0x18bcfe5687a' }, // in milliseconds
])('%j is no block 1', (block) => {
  expect(() => readAnswer(blockCall('0x1'), block)).toThrow(/^the answer to eth_getBlockByNumber is wrong/)
})

test.each([
  null,
  {},
  'text',
  [null],
  [{}],
  [7],
  ...Object.keys(LOG).map((key) => [{ ...LOG, [key]: undefined }]),
  [{ ...LOG, removed: true }],
  [LOG, LOG],
  [LOG, { ...LOG, transactionHash: `0x${'cd'.repeat(32)}` }], // counted by transaction
  [{ ...LOG, blockNumber: '0x2' }],
  [{ ...LOG, data: '0xzz' }],
  [{ ...LOG, data: '0xabc' }],
  [{ ...LOG, topics: ['0xab'] }],
  // What is like the log before is not checked again; everything else is.
  ...Object.keys(LOG).map((key) => [LOG, { ...LOG, logIndex: '0x1', [key]: undefined }]),
  [LOG, { ...LOG, logIndex: '0x1', transactionHash: '0xab' }],
  [LOG, { ...LOG, logIndex: '0x1', address: '0xab' }],
  [
    { ...LOG, topics: [HASH] },
    { ...LOG, logIndex: '0x1', topics: [HASH, '0xab'] },
  ],
  [{ ...LOG, logIndex: '0x1' }, LOG, { ...LOG, logIndex: '0x1' }], // not in order, and twice
])('%j are no logs of block 1', (logs) => {
  expect(() => readAnswer(inBlockOne, logs)).toThrow(/^the answer to eth_getLogs is wrong/)
})

test('a block, a block that is not there, and logs are read', () => {
  expect(readAnswer(blockCall('latest'), BLOCK)).toMatchObject({ number: 1, timestamp: new Date(5_000) })
  expect(readAnswer(blockCall('0x1'), null)).toBeNull()
  expect(readAnswer(inBlockOne, [LOG])).toMatchObject([{ address: ADDRESS, block: 1, index: 0 }])
  expect(readAnswer(logsCall({ blockHash: HASH }), [LOG])).toHaveLength(1)
  expect(readAnswer(inBlockOne, [{ ...LOG, logIndex: '0x1' }, LOG])).toMatchObject([{ index: 1 }, { index: 0 }])
  expect(() => readAnswer(logsCall({ blockHash: `0x${'cd'.repeat(32)}` }), [LOG])).toThrow('was not asked for')
})
