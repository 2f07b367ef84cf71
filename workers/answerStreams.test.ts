import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { serveAnswerStreams } from './answerStreams.ts'

async function served() {
  const streams = await serveAnswerStreams({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => streams.close())
  const get = (job: string, key = streams.key) =>
    fetch(`${streams.url}/streams/${job}`, { headers: { authorization: `Bearer ${key}` } })
  return { streams, get }
}
const piece = (text: string, tokensOut = 1) => ({ text, tokensIn: 3, tokensOut })
const lines = async (response: Response) =>
  (await response.text())
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

test('readers before, during and after an answer get all of it', async () => {
  const { streams, get } = await served()
  const early = get('a')
  await vi.waitFor(async () => expect((await early).status).toBe(200))
  const stream = streams.open('a')
  stream.push(piece('one\n'))
  const during = await get('a')
  stream.push(piece(' two', 2))
  stream.end()
  const all = [{ text: 'one\n', tokensIn: 3, tokensOut: 1 }, { text: ' two', tokensIn: 3, tokensOut: 2 }, { end: true }]
  for (const reader of [await early, during, await get('a')]) expect(await lines(reader)).toEqual(all)
})

test('an attempt that fails, or is begun again, breaks its readers’ connections', async () => {
  const { streams, get } = await served()
  streams.open('a').push(piece('first'))
  const reader = await get('a')
  const second = streams.open('a')
  await expect(reader.text()).rejects.toThrow()
  second.push(piece('second'))
  const other = await get('a')
  second.fail()
  await expect(other.text()).rejects.toThrow()
  const next = get('a')
  streams.open('a').end()
  expect(await lines(await next)).toEqual([{ end: true }])
})

test('a wrong key, another method and another path are refused', async () => {
  const { streams, get } = await served()
  streams.open('a').push(piece('secret'))
  for (const key of ['', 'x', streams.key.replace(/.$/, '0x'), `${streams.key}0`]) {
    const response = await get('a', key)
    expect([response.status, await response.text()]).toEqual([401, ''])
  }
  const headers = { authorization: `Bearer ${streams.key}` }
  for (const [path, method] of [
    ['/streams/a', 'POST'],
    ['/streams/../a', 'GET'],
    ['/', 'GET'],
  ] as const)
    expect((await fetch(streams.url + path, { method, headers })).status).toBe(404)
})

test('a reader that takes nothing costs no memory of its own and delays nobody', async () => {
  const { streams, get } = await served()
  const stream = streams.open('a')
  const { hostname, port } = new URL(streams.url)
  const silent = Array.from({ length: 200 }, () => {
    const socket = connect(Number(port), hostname)
    socket.pause()
    socket.write(`GET /streams/a HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${streams.key}\r\n\r\n`)
    return socket
  })
  onTestFinished(() => silent.forEach((socket) => void socket.destroy()))
  const text = 'x'.repeat(100_000)
  stream.push(piece(text))
  await Promise.all(silent.map((socket) => once(socket, 'connect')))
  await get('a') // which the server has read after the requests before
  const before = process.memoryUsage.rss()
  for (let count = 2; count <= 200; count++) {
    stream.push(piece(text, count))
    await turn()
  }
  stream.end()
  expect(await lines(await get('a'))).toHaveLength(201)
  // 20 MB for each of 200 readers would be 4 GB; each has at most what a socket buffers.
  expect(process.memoryUsage.rss() - before).toBeLessThan(1_000 * 2 ** 20)
})
