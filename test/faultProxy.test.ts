import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { FaultProxy } from './faultProxy.ts'

const BODY = 'x'.repeat(1000)
let arrived = 0
const server = createServer((_, response) => {
  arrived++
  response.end(BODY)
})
let proxy: FaultProxy
let url: string

beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  proxy = await FaultProxy.open(target)
  url = `${proxy.url(target)}/key`
})
afterEach(() => proxy.set({ mode: 'pass' }))
afterAll(async () => {
  await proxy.close()
  server.closeAllConnections()
  server.close()
})

const ask = (ms = 400) => fetch(url, { signal: AbortSignal.timeout(ms) })

test('passes requests, and tells which came', async () => {
  expect(await (await ask(5000)).text()).toBe(BODY)
  expect(proxy.requests).toEqual(['GET /key'])
})

test('answers with a status, and the service receives nothing', async () => {
  const before = arrived
  await proxy.set({ mode: 'status', status: 503 })
  expect((await ask(5000)).status).toBe(503)
  expect(arrived).toBe(before)
})

test('loses answers, or everything', async () => {
  const before = arrived
  await proxy.set({ mode: 'hang' })
  await expect(ask()).rejects.toThrow('timeout')
  expect(arrived).toBe(before + 1)
  await proxy.set({ mode: 'blackHole' })
  await expect(ask()).rejects.toThrow('timeout')
  expect(arrived).toBe(before + 1)
})

test('slows an answer down, until the fault ends', async () => {
  await proxy.set({ mode: 'slow', bytesPerSecond: 1000 })
  await expect(ask().then((response) => response.text())).rejects.toThrow('timeout')
  const slow = ask(20_000).then((response) => response.text())
  setTimeout(() => proxy.set({ mode: 'pass' }), 200)
  expect(await slow).toBe(BODY)
})

test('resets a connection in the middle of a body', async () => {
  await proxy.set({ mode: 'reset', afterBytes: 400 })
  const response = await ask(5000)
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow('terminated')
})

test('refuses connections, and accepts them again on the same port', async () => {
  await proxy.set({ mode: 'refuse' })
  await expect(ask(5000)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  await proxy.set({ mode: 'pass' })
  expect(await (await ask(5000)).text()).toBe(BODY)
})

test('chooses a fault for each request', async () => {
  await proxy.choose((request) => (request === 'GET /key' ? { mode: 'status', status: 500 } : { mode: 'pass' }))
  expect((await ask(5000)).status).toBe(500)
  expect((await fetch(`${url}2`)).status).toBe(200)
})

test('a black hole hides the end of a connection from the service, and no stream continues behind a gap', async () => {
  const joined = async () => {
    const arrival = once(server, 'connection')
    const client = connect(proxy.address.port, proxy.address.host)
    const [upstream] = (await arrival) as [Socket]
    return { client, upstream }
  }
  const [leaving, staying] = [await joined(), await joined()]
  const reset = once(staying.client, 'error')
  const closed = (socket: Socket) => new Promise<void>((done) => socket.once('close', () => done()))
  const ended = Promise.all([closed(leaving.upstream), closed(staying.upstream)])
  await proxy.set({ mode: 'blackHole' })
  leaving.client.destroy()
  staying.client.write('a part of a stream')
  await expect(ask()).rejects.toThrow('timeout')
  expect(leaving.upstream.destroyed).toBe(false)
  await proxy.set({ mode: 'pass' })
  await ended
  await expect(reset).resolves.toMatchObject([{ code: 'ECONNRESET' }])
})
