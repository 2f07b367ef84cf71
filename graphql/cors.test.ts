import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { readConfig } from '#config'
import { insertChain } from '#test/factory.ts'
import { testApi } from './test/api.ts'

const PAGE = 'https://app.example.org'

const preflight = (url: string, origin: string) =>
  fetch(`${url}/graphql`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,authorization',
    },
  })
const ask = (url: string, origin: string) =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { origin, 'content-type': 'application/json' },
    body: '{"query":"{ __typename }"}',
  })
const opens = (url: string, origin: string) =>
  new Promise<boolean>((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
      headers: { origin },
    })
    socket.once('open', () => {
      resolve(true)
      socket.terminate()
    })
    socket.once('error', () => resolve(false))
  })
const allowed = (response: Response) => response.headers.get('access-control-allow-origin')

test('pages of other origins may use the API only where the setting names them, and never with cookies', async () => {
  const none = await testApi()
  await insertChain(none.db, 3)
  for (const response of [await preflight(none.url, PAGE), await ask(none.url, PAGE)])
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  expect(await opens(none.url, PAGE)).toBe(false)
  expect(await opens(none.url, none.url)).toBe(true)

  const { url } = await testApi({ corsOrigins: [PAGE, 'https://other.example.org'] })
  const before = await preflight(url, PAGE)
  expect(before.status).toBe(204)
  expect(allowed(before)).toBe(PAGE)
  expect(before.headers.get('access-control-allow-headers')).toContain('authorization')
  expect(before.headers.get('access-control-allow-credentials')).toBeNull()
  const answer = await ask(url, PAGE)
  expect([allowed(answer), answer.headers.get('vary')]).toEqual([PAGE, expect.stringContaining('Origin')])
  expect(allowed(await fetch(`${url}/artifacts/0x00`, { headers: { origin: PAGE } }))).toBe(PAGE)
  for (const stranger of ['https://evil.example.org', 'http://app.example.org', `${PAGE}.evil.org`, 'null']) {
    expect(allowed(await preflight(url, stranger))).toBeNull()
    expect(allowed(await ask(url, stranger))).toBeNull()
    expect(await opens(url, stranger)).toBe(false)
  }
  expect(await opens(url, PAGE)).toBe(true)

  const open = await testApi({ corsOrigins: ['*'], auth: 'keys' })
  expect(allowed(await ask(open.url, 'https://any.example.org'))).toBe('*')
  expect(await opens(open.url, 'https://any.example.org')).toBe(true)
})

test('CORS_ORIGINS takes origins only, and all of them only where keys are required', () => {
  const read = (CORS_ORIGINS: string, MODELCOMMONS_AUTH?: string) => () =>
    readConfig({ CORS_ORIGINS, ...(MODELCOMMONS_AUTH && { MODELCOMMONS_AUTH }) }).corsOrigins
  expect(readConfig({}).corsOrigins).toBeUndefined()
  expect(read('https://App.example.org/, http://127.0.0.1:3000')()).toEqual([PAGE, 'http://127.0.0.1:3000'])
  expect(read('*', 'keys')()).toEqual(['*'])
  expect(read('*')).toThrow(/CORS_ORIGINS.*MODELCOMMONS_AUTH/s)
  for (const wrong of ['app.example.org', 'https://app.example.org/path', 'null', 'https://*.example.org/x'])
    expect(read(wrong)).toThrow(/CORS_ORIGINS/)
})
