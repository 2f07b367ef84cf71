import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { serverAudits } from 'graphql-http'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { insertChain } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { introspectionText } from './introspectionText.ts'
import { apiSchema, printedSchema } from './schema.ts'
import { testApi } from './test/api.ts'

test.each([
  ['schema.graphql', printedSchema],
  ['../client/generated/introspection.ts', introspectionText],
])('the committed %s is that of the entities (else: npm run schema)', (file, text) => {
  expect(readFileSync(new URL(file, import.meta.url), 'utf8')).toBe(text())
})

test('secrets are not part of the schema', () => {
  const text = printedSchema()
  expect(text).not.toMatch(/ApiKey/)
  expect(apiSchema().getType('ChainTransaction')).toBeDefined()
  expect(text.match(/type ChainTransaction [\s\S]*?\n}/)?.[0]).not.toMatch(/^\s*raw\b/m)
})

test('an internal error is returned only as a reference; the log has the cause under this reference', async () => {
  const { db, ask, logged } = await testApi()
  await db.query('drop table holder')
  const { errors, data } = await ask('{ holders { nodes { id } } model(id: 1) { id } }')
  expect(data).toBeNull()
  expect(errors).toHaveLength(1)
  expect(errors?.[0]).toMatchObject({ path: ['holders'], extensions: { code: 'INTERNAL' } })
  expect(Object.keys(must(errors?.[0]).extensions)).toEqual(['code'])
  expect(errors?.[0]?.message).not.toMatch(/holder|relation|sql/i)
  expect(logged).toHaveLength(1)
  expect(JSON.stringify(errors)).toContain((logged[0] as { reference: string }).reference)
})

test('while no connection to the database is free, a request is told to try again', async () => {
  const { db, ask, logged } = await testApi()
  const { pool } = db
  const free = (pool.options.max ?? 0) - pool.totalCount + pool.idleCount // the feed of notifications keeps one
  const taken = await Promise.all(Array.from({ length: free }, () => pool.connect()))
  Object.assign(pool.options, { connectionTimeoutMillis: 50 })
  const { errors } = await ask('{ holders { nodes { id } } }')
  expect(errors?.[0]?.extensions).toEqual({ code: 'DATABASE_UNAVAILABLE' })
  expect(logged).toHaveLength(1)
  for (const client of taken) client.release()
  expect((await ask('{ holders { nodes { id } } }')).errors).toBeUndefined()
})

test('HTTP: batches, cross-origin forms, bodies that are not JSON or too large', async () => {
  const { url } = await testApi()
  const post = async (body: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    const text = await response.text()
    expect(text).not.toMatch(/node_modules|at .*\(/)
    return { status: response.status, code: JSON.parse(text).errors?.[0]?.extensions?.code }
  }
  const query = '{ __typename }'
  expect(await post(JSON.stringify([{ query }, { query }]))).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  expect(await post('{"query": ')).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  expect(await post(JSON.stringify({ query, padding: 'x'.repeat(2_600_000) }))).toMatchObject({
    status: 413,
    code: 'REQUEST_TOO_LARGE',
  })
  expect(
    (await post(`query=${encodeURIComponent(query)}`, { 'content-type': 'application/x-www-form-urlencoded' })).status,
  ).toBe(400)
  expect((await post(JSON.stringify({ query }), { 'content-type': 'text/plain' })).status).toBe(400)
  expect((await fetch(`${url}/graphql?query=${encodeURIComponent(query)}`)).status).toBe(400)
  const get = await fetch(
    `${url}/graphql?query=${encodeURIComponent('mutation { cancelJob(id: 1, idempotencyKey: "k") { id } }')}`,
    { headers: { 'apollo-require-preflight': '1' } },
  )
  expect(get.status).toBe(405)
  const allowed = await fetch(`${url}/graphql`, {
    method: 'OPTIONS',
    headers: { origin: 'https://elsewhere.example', 'access-control-request-method': 'POST' },
  })
  expect(allowed.headers.get('access-control-allow-origin')).toBeNull()
})

test('GraphQL over HTTP: every audit passes, MUST, SHOULD and MAY', async () => {
  const { url } = await testApi()
  const audits = serverAudits({
    url: `${url}/graphql`,
    fetchFn: (input: string, init?: RequestInit) =>
      fetch(input, { ...init, headers: { ...(init?.headers as object), 'apollo-require-preflight': '1' } }),
  })
  const results = await Promise.all(audits.map(async (audit) => ({ ...(await audit.fn()), name: audit.name })))
  const failed = results.flatMap((result) =>
    result.status === 'ok' ? [] : [`${result.status} ${result.name}: ${result.reason}`],
  )
  expect(failed).toEqual([])
  const count = (word: string) => results.filter(({ name }) => name.startsWith(word)).length
  expect({ must: count('MUST'), should: count('SHOULD'), may: count('MAY') }).toMatchInlineSnapshot(`
    {
      "may": 25,
      "must": 13,
      "should": 23,
    }
  `)
})

test('introspection is served', async () => {
  const { ask } = await testApi()
  const { data } = await ask(
    '{ __schema { queryType { fields { name args { name type { kind ofType { kind ofType { kind ofType { name } } } } } } } } }',
  )
  expect(data.__schema.queryType.fields.map((field: { name: string }) => field.name)).toEqual(
    expect.arrayContaining(['model', 'models', 'node', '_meta']),
  )
})

test('probes report liveness and readiness; requests are counted, but not shown on this port', async () => {
  const registry = new Registry()
  const { url, db } = await testApi({ registry, maxLagBlocks: 100 })
  const get = async (path: string) => {
    const response = await fetch(url + path)
    return { status: response.status, text: await response.text() }
  }
  expect(await get('/livez')).toEqual({ status: 200, text: '{"live":true}' })
  expect((await get('/readyz')).status).toBe(200)
  await insertChain(db, 10)
  expect(JSON.parse((await get('/readyz')).text)).toMatchObject({ ready: true, block: 10, headBlock: 10, lag: 0 })
  await db.query('update cursor set head_block = 500')
  expect(await get('/readyz')).toMatchObject({ status: 503, text: expect.stringContaining('490 blocks behind') })
  await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ nothing }"}',
  })
  expect(await registry.metrics()).toContain('modelcommons_graphql_errors_total{code="GRAPHQL_VALIDATION_FAILED"} 1')
  expect((await get('/metrics')).status).toBe(404) // not for everybody who reaches this port
})

test('a port in use is an error that names PORT', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as { port: number }
  try {
    await expect(testApi({ port })).rejects.toThrow(`PORT: ${port} is in use on 127.0.0.1`)
  } finally {
    taken.close()
  }
})

test('without keys, only names of this server are answered: a page may let its own name stand for this machine', async () => {
  const asked = (server: { url: string }, host: string, path = '/graphql') =>
    new Promise<number | undefined>((resolve, reject) => {
      const { port } = new URL(server.url)
      get(
        { port, path: `${path}?query=%7B__typename%7D`, headers: { host, 'apollo-require-preflight': '1' } },
        (response) => {
          response.resume()
          resolve(response.statusCode)
        },
      ).once('error', reject)
    })
  const [open, keys] = [await testApi(), await testApi({ auth: 'keys' })]
  const evil = 'evil.example:4000'
  expect(await asked(open, evil)).toBe(403)
  for (const path of ['/artifacts/0x1', '/export/models.csv', '/auth/message'])
    expect(await asked(open, evil, path)).toBe(403)
  for (const own of ['localhost:4000', '127.0.0.1:1', '[::1]:2']) expect(await asked(open, own)).toBe(200)
  expect(await asked(open, evil, '/livez')).toBe(200)
  expect(await asked(keys, evil)).toBe(200)
  const socket = new WebSocket(`${open.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: { host: evil },
  })
  expect(await once(socket, 'error').then(([error]) => String(error))).toContain('403')
})
