import { request } from 'node:http'
import { networkInterfaces } from 'node:os'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '#config'
import { openProcessMetrics } from './processMetrics.ts'
import { type ReadinessReport, serveStatus } from './statusServer.ts'

async function served(
  env: Record<string, string> = {},
  ready: () => Promise<ReadinessReport> = async () => ({ ready: true }),
) {
  const config = readConfig({ WORKER_PORT: '0', ...env })
  const status = await serveStatus(config, 'WORKER_PORT', { registry: openProcessMetrics({ home: '.' }), ready })
  onTestFinished(status.close)
  return async (path: string, authorization?: string) => {
    const response = await fetch(status.url + path, { headers: authorization ? { authorization } : {} })
    return { status: response.status, text: await response.text() }
  }
}

test('a service tells that it lives, whether it is ready and why not, and its metrics', async () => {
  let report: ReadinessReport | Error = { ready: true }
  const get = await served({}, async () => {
    if (report instanceof Error) throw report
    return report
  })
  expect(await get('/live')).toEqual({ status: 200, text: '{"live":true}' })
  expect(await get('/ready')).toEqual({ status: 200, text: '{"ready":true}' })
  report = { ready: false, reason: 'It waits.' }
  expect(await get('/ready')).toEqual({ status: 503, text: '{"ready":false,"reason":"It waits."}' })
  report = new Error('The database does not answer.')
  expect(await get('/ready')).toMatchObject({ status: 503, text: expect.stringContaining('does not answer') })
  const { status, text } = await get('/metrics?any')
  expect(status).toBe(200)
  expect(text).toMatch(/^modelcommons_disk_free_bytes \d+/m)
  expect(text).toMatch(/^modelcommons_process_resident_memory_bytes \d+/m)
  expect((await get('/')).status).toBe(404)
})

test('who asks whether a service is ready does not wait for a database that hangs', async () => {
  const get = await served({}, () => new Promise(() => {}))
  const { status, text } = await get('/ready')
  expect({ status, text }).toEqual({ status: 503, text: expect.stringMatching(/"ready":false,.*no answer within 4 s/) })
})

test('with a token, metrics are for its bearer alone; health checks need none', async () => {
  const token = 'a-token-of-some-length'
  const get = await served({ METRICS_TOKEN: token })
  expect((await get('/metrics')).status).toBe(403)
  expect((await get('/metrics', 'Bearer another-token')).status).toBe(403)
  expect((await get('/metrics', `Bearer ${token}`)).status).toBe(200)
  expect((await get('/live')).status).toBe(200)
  expect(() => readConfig({ METRICS_TOKEN: 'short' })).toThrow(/METRICS_TOKEN: expected at least 16 characters/)
})

test('without a token, strangers get no metrics', async () => {
  const own = Object.values(networkInterfaces()).flat()
  const address = (family: string, isPrivate: RegExp) =>
    own.find((one) => one?.family === family && !one.internal && !isPrivate.test(one.address))?.address
  const stranger = address('IPv4', /^(10|127|169\.254|172\.(1[6-9]|2\d|3[01])|192\.168)\./)
  const config = readConfig({ WORKER_PORT: '0', METRICS_HOST: '0.0.0.0' })
  const status = await serveStatus(config, 'WORKER_PORT', {
    registry: new Registry(),
    ready: async () => ({ ready: true }),
  })
  onTestFinished(status.close)
  const port = Number(new URL(status.url as string).port)
  const answer = (localAddress: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const options = { host: localAddress, port, path: '/metrics', localAddress }
      request(options, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
  expect(await answer('127.0.0.1')).toBe(200)
  if (stranger) expect(await answer(stranger)).toBe(403) // a machine with a public address of its own
})

test('without its port a service serves nothing; a port in use is an error that names it', async () => {
  const status = { registry: new Registry(), ready: async () => ({ ready: true }) }
  expect((await serveStatus(readConfig({}), 'WORKER_PORT', status)).url).toBeUndefined()
  const first = await serveStatus(readConfig({ INDEX_PORT: '0' }), 'INDEX_PORT', status)
  onTestFinished(first.close)
  const taken = readConfig({ INDEX_PORT: new URL(first.url as string).port })
  await expect(serveStatus(taken, 'INDEX_PORT', status)).rejects.toThrow(
    /^INDEX_PORT, METRICS_HOST: cannot listen on 127/,
  )
})
