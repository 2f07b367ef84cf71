import { connect } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openGateway } from '#gateway/index.ts'
import { MAX_SESSIONS_OF_ONE } from '#gateway/mcp/sessions.ts'
import { hashKey } from '#graphql/access.ts'
import { testApi } from '#graphql/test/api.ts'
import { createMarket, me, stranger } from '#graphql/test/market.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { insert, insertAll } from './factory.ts'
import { type Era, initialize, mcpClient, post } from './mcpSystem.ts'
import { must } from './must.ts'

/** What strangers, careless agents and pages of other sites do to `/mcp`. */

const key = (name: string) => `${name}-key-${'0'.repeat(20)}`
const bearing = (name: string) => ({ authorization: `Bearer ${key(name)}` })

async function keyedApi() {
  const api = await testApi({ gateway: openGateway, auth: 'keys' })
  await createMarket(api)
  await insertAll(api.db, ApiKey, [
    { id: hashKey(key('mine')), account: me, role: 'Consumer' },
    { id: hashKey(key('other')), account: stranger.address.toLowerCase(), role: 'Consumer' },
  ])
  return api
}

test.each<Era>(['legacy', 'auto'])(
  'a key reads its own receipts, pays for itself alone, and ends with its revocation (%s)',
  async (era) => {
    const api = await keyedApi()
    const secret = 'a secret prompt'
    await insert(api.db, Receipt, {
      id: 'r1',
      consumer: me,
      prompt: secret,
      answer: 'x',
      endpointId: '1',
      versionId: '1',
    })
    const uri = 'modelcommons://receipts/r1'
    const read = async (headers: Record<string, string>) =>
      JSON.stringify(await (await mcpClient(api.url, era, headers)).readResource({ uri }))
    expect(await read(bearing('mine'))).toContain(secret)
    for (const headers of [bearing('other'), {}]) {
      const seen = await read(headers)
      expect(seen).toContain(me)
      expect(seen).not.toContain(secret)
    }
    const infer = async (headers: Record<string, string>) => {
      const client = await mcpClient(api.url, era, headers)
      const { isError, content } = await client.callTool({
        name: 'infer',
        arguments: { model: 'endpoint:1', prompt: 'x' },
      })
      return [isError, must((content as { text: string }[])[0]).text]
    }
    expect(await infer({})).toEqual([true, expect.stringContaining('invalid_api_key')])
    expect(await infer({ ...bearing('other'), 'x-consumer': me })).toEqual([true, expect.stringContaining('forbidden')])
    expect(await infer(bearing('other'))).toEqual([true, expect.stringContaining('insufficient_quota')])
    await expect(mcpClient(api.url, era, bearing('none'))).rejects.toThrow()

    const client = await mcpClient(api.url, era, bearing('mine'))
    await client.listTools()
    await api.db.query('update api_key set revoked_at = now() where id = $1', [hashKey(key('mine'))])
    await expect(client.readResource({ uri })).rejects.toThrow(/unknown, or has expired, or was revoked/)
    expect(api.logged).toEqual([])
  },
)

test('a session belongs to its key; many sessions end each other, and nobody else’s', async () => {
  const api = await keyedApi()
  const open = async (headers: Record<string, string>) => {
    const { status, headers: got } = await post(api.url, initialize(), headers)
    expect(status).toBe(200)
    return must(got.get('mcp-session-id'))
  }
  const ping = async (session: string, headers: Record<string, string>) =>
    post(api.url, { jsonrpc: '2.0', id: 1, method: 'ping' }, { 'mcp-session-id': session, ...headers })
  const mine = await open(bearing('mine'))
  expect((await ping(mine, bearing('mine'))).status).toBe(200)
  for (const headers of [bearing('other'), {}]) expect((await ping(mine, headers)).status).toBe(404)
  const before = process.memoryUsage.rss()
  const sessions: string[] = []
  for (let round = 0; round < 8; round++)
    sessions.push(...(await Promise.all(Array.from({ length: 50 }, () => open({})))))
  expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 2 ** 20)
  expect((await ping(must(sessions[0]), {})).status).toBe(404)
  expect((await ping(must(sessions.at(-1)), {})).status).toBe(200)
  expect((await ping(must(sessions.at(-MAX_SESSIONS_OF_ONE)), {})).status).toBe(200)
  expect((await ping(must(sessions.at(-MAX_SESSIONS_OF_ONE - 1)), {})).status).toBe(404)
  expect((await ping(mine, bearing('mine'))).status).toBe(200)
  const ended = await fetch(`${api.url}/mcp`, {
    method: 'DELETE',
    headers: { 'mcp-session-id': mine, ...bearing('mine') },
  })
  expect(ended.status).toBe(200)
  expect((await ping(mine, bearing('mine'))).status).toBe(404)
  expect(api.logged).toEqual([])
})

test('what is no message is refused with an error that says why', async () => {
  const api = await testApi({ gateway: openGateway })
  await createMarket(api)
  const { headers } = await post(api.url, initialize())
  const session = { 'mcp-session-id': must(headers.get('mcp-session-id')) }
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  for (const [body, status, code] of [
    ['{"jsonrpc": "2.0", ', 400, -32700],
    [Array.from({ length: 10_000 }, () => ping), 400, -32000],
    ['[[[[[[]]]]]]', 400, -32000],
    [{ ...ping, method: 'x'.repeat(2 ** 21) }, 413, -32000],
    [
      `{"jsonrpc":"2.0","id":1,"method":"ping","params":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
      400,
      undefined,
    ],
    [{ id: 1, method: 'ping' }, 400, undefined],
    [{ ...ping, id: {} }, 400, undefined],
    ['null', 400, undefined],
    ['"ping"', 400, undefined],
    ['', 400, undefined],
  ] as const) {
    const answer = await post(api.url, body, session)
    expect([answer.status, typeof answer.json?.error?.message]).toEqual([status, 'string'])
    expect(answer.json.error.message).not.toMatch(/node_modules|\.ts:\d/)
    if (code !== undefined) expect(answer.json.error.code).toBe(code)
  }
  expect((await post(api.url, ping)).json.error.message).toContain('`initialize`')
  expect((await post(api.url, ping, { ...session, 'content-type': 'text/plain' })).status).toBeGreaterThanOrEqual(400)
  const unknown = await post(api.url, { ...ping, method: 'none' }, session)
  expect(unknown.json.error.code).toBe(-32601)
  const call = async (name: string, given: object) =>
    (await post(api.url, { ...ping, method: 'tools/call', params: { name, arguments: given } }, session)).json
  for (const [name, given] of [
    ['infer', { model: 'endpoint:4', prompt: 'x '.repeat(400_000) }],
    ['infer', { model: 'endpoint:4', prompt: 'x', maxTokens: 1e9 }],
    [
      'infer',
      { model: 'endpoint:4', messages: Array.from({ length: 10_000 }, () => ({ role: 'user', content: 'x' })) },
    ],
    ['infer', { model: 'x'.repeat(500_000), prompt: 'x' }],
    ['infer', { model: 'endpoint:4', prompt: 'x\0' }],
    ['infer', { model: 'endpoint:4', prompt: 'x', unknown: true }],
    ['lineage', { versionId: "1' or '1'='1" }],
    ['lineage', { of: 'Account:\0' }],
    ['lineage', { versionId: '1', after: 'x'.repeat(1999) }],
    ['lineage', { versionId: '1', first: 1e6 }],
    ['explain_reward', { account: me, epoch: '9'.repeat(70) }],
  ] as const) {
    const { result, error } = await call(name, given)
    const told = error?.message ?? must(result.content[0]).text
    expect([name, error !== undefined || result.isError]).toEqual([name, true])
    expect(told.length).toBeLessThan(5_000)
    expect(told).not.toMatch(/internal error|node_modules/i)
  }
  expect((await api.db.query('select count(*) as n from job_run')).rows[0].n).toBe(0)
  expect(api.logged).toEqual([])
})

test('pages of other sites and names that are not this server’s get nothing, also of /v1', async () => {
  const open = await testApi({ gateway: openGateway, corsOrigins: ['https://page.example'] })
  const keyed = await testApi({ gateway: openGateway, auth: 'keys' })
  const { port } = new URL(open.url)
  const status = async (api: { url: string }, path: string, headers: Record<string, string>) => {
    const { hostname, port: at } = new URL(api.url)
    const body = JSON.stringify(initialize())
    const socket = connect(Number(at), hostname)
    onTestFinished(() => void socket.destroy())
    const lines = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers }
    const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`POST ${path} HTTP/1.1\r\n${head.join('')}content-length: ${body.length}\r\n\r\n${body}`)
    let got = ''
    socket.on('data', (part) => {
      got += part
    })
    return vi.waitFor(() => Number(must(/^HTTP\/1.1 (\d+)/.exec(got))[1]), 10_000)
  }
  for (const [path, fine] of [
    ['/mcp', 200],
    ['/v1/completions', 400],
  ] as const) {
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, 'page.example'])
      expect([host, await status(open, path, { host })]).toEqual([host, fine])
    for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example', '127.0.0.1.evil.example', ''])
      expect([host, await status(open, path, { host })]).toEqual([host, 403])
    const host = `localhost:${port}`
    for (const origin of [`http://localhost:${port}`, 'https://page.example'])
      expect([origin, await status(open, path, { host, origin })]).toEqual([origin, fine])
    for (const origin of ['http://evil.example', 'null', 'http://localhost:1', 'https://page.example.evil.example'])
      expect([origin, await status(open, path, { host, origin })]).toEqual([origin, 403])
    // With keys, a name tells nothing: any name may be a proxy’s.
    expect(await status(keyed, path, { host: 'api.example' })).toBe(fine)
    expect(await status(keyed, path, { host: 'api.example', origin: 'http://evil.example' })).toBe(403)
  }
})
