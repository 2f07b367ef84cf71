import type { Express } from 'express'
import { expect, test } from 'vitest'
import { openGateway } from '#gateway/index.ts'
import { hashKey } from '#graphql/access.ts'
import { SECRET, secrets, tenant, tenants } from '#graphql/test/tenants.ts'
import { ApiKey, SignInSession } from '#schema/offchain/access.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { account, insert } from './factory.ts'
import { mcpClient } from './mcpSystem.ts'
import { must } from './must.ts'

/** Every route of HTTP, and every tool and resource of the Model Context Protocol, for the consumer whose call it is, for another one, and for nobody. The lists
 *  come from the server: what is added to it and has no row here fails. */

type Who = 'consumer' | 'other' | 'anonymous'
const WHO = ['other', 'anonymous', 'consumer'] as const // the consumer is last: it may end what the others try to reach

const CALL = 'a7'.repeat(16)
const KEYS = { rotated: hashKey('rotated-key'), deleted: hashKey('deleted-key') }
const QUERY = '{ receipts { nodes { id prompt answer fee salt } } }'

interface Row {
  /** Where the parameters of the path are to be replaced. */
  at?: string
  body?: object
  /** Of a page where people sign in. */
  bySession?: true
  /** The statuses for the consumer, another one, and nobody. */
  told: [consumer: number, other: number, anonymous: number]
}

const readable = (row: Omit<Row, 'told'> = {}): Row => ({ ...row, told: [200, 200, 200] })
/** A call that another account would pay. */
const call = (body: object): Row => ({ body: { model: 'endpoint:99', ...body }, told: [404, 403, 401] })
const messages = [{ role: 'user', content: 'x' }]

const ROUTES: Record<string, Row | 'the matrix of fields' | 'the tools below'> = {
  'GET /livez': readable(),
  'GET /readyz': readable(),
  'GET /.well-known/modelcommons.json': readable(),
  'GET /artifacts/:name': { at: `/artifacts/0x${'5a'.repeat(32)}`, told: [404, 404, 404] },
  'PUT /artifacts/:name': { at: `/artifacts/0x${'5a'.repeat(32)}`, body: {}, told: [403, 403, 401] },
  'USE /graphql': 'the matrix of fields',
  'GET /export.csv': readable({ at: `/export.csv?query=${encodeURIComponent(QUERY)}` }),
  'GET /export.jsonl': readable({ at: `/export.jsonl?query=${encodeURIComponent(QUERY)}` }),
  'POST /export.csv': readable({ body: { query: QUERY } }),
  'POST /export.jsonl': readable({ body: { query: QUERY } }),
  'GET /versions/:id/:document': { at: '/versions/99/card.md', told: [404, 404, 404] },
  'POST /auth/message': readable({ bySession: true, body: { address: tenant } }),
  'POST /auth/session': { bySession: true, body: { message: 'x', signature: '0x00' }, told: [400, 400, 400] },
  'GET /auth/keys': { bySession: true, told: [200, 200, 401] },
  'POST /auth/keys': { bySession: true, body: {}, told: [200, 200, 401] },
  'POST /auth/keys/:id/rotate': { bySession: true, at: `/auth/keys/${KEYS.rotated}/rotate`, told: [200, 404, 401] },
  'DELETE /auth/keys/:id': { bySession: true, at: `/auth/keys/${KEYS.deleted}`, told: [204, 404, 401] },
  'DELETE /auth/session': { bySession: true, told: [204, 204, 401] },
  'GET /v1/models': readable(),
  'GET /v1/models/*id': { at: '/v1/models/endpoint:99', told: [404, 404, 404] },
  'POST /v1/completions': call({ prompt: 'x' }),
  'POST /v1/chat/completions': call({ messages }),
  'POST /v1/messages': call({ messages, max_tokens: 1 }),
  'POST /v1/embeddings': call({ input: 'x' }),
  'POST /v1/responses': call({ input: 'x' }),
  'GET /v1/receipts/:id': { at: '/v1/receipts/r', told: [200, 200, 200] },
  'GET /v1/responses/:id': { at: `/v1/responses/resp_${CALL}`, told: [200, 404, 401] },
  'POST /v1/responses/:id/cancel': { at: `/v1/responses/resp_${CALL}/cancel`, told: [200, 404, 401] },
  'DELETE /v1/responses/:id': { at: `/v1/responses/resp_${CALL}`, told: [200, 404, 401] },
  'USE /mcp': 'the tools below',
}

interface Layer {
  rawPath: unknown
  route?: { path: string | string[]; methods: Record<string, boolean> }
  handle: { stack?: Layer[] }
}

/** What an application serves: its routes, and where it hands all requests below a path to something else. */
function routesOf(layers: readonly Layer[], prefix = ''): string[] {
  return layers.flatMap((layer) => {
    if (layer.route) {
      const methods = Object.keys(layer.route.methods).map((method) => method.toUpperCase())
      return [layer.route.path].flat().flatMap((path) => methods.map((method) => `${method} ${prefix}${path}`))
    }
    const at = `${prefix}${layer.rawPath === '/' ? '' : String(layer.rawPath)}`
    const below = layer.handle.stack && routesOf(layer.handle.stack, at)
    return below?.length || at === prefix ? (below ?? []) : [`USE ${at}`]
  })
}

const served = (app: Express) => [...new Set(routesOf((app as unknown as { router: { stack: Layer[] } }).router.stack))]

async function system() {
  const api = await tenants({ gateway: openGateway })
  const { db } = api
  const result = { receiptId: 'r', answer: SECRET, tokensIn: 1, tokensOut: 1, fee: '1', finish: 'stop' }
  const input = { endpointId: '1', prompt: SECRET, maxTokens: 1, temperature: 0, topP: 1 }
  await insert(db, JobRun, { id: CALL, kind: 'infer', input, result, status: 'Succeeded', requestedBy: tenant })
  for (const id of Object.values(KEYS)) await insert(db, ApiKey, { id, account: tenant, label: SECRET })
  const session = async (name: string, holder: string) => {
    const expiresAt = new Date(Date.now() + 3_600_000)
    await insert(db, SignInSession, { id: name, tokenHash: hashKey(`mcs_${name}`), account: holder, expiresAt })
    return { authorization: `Bearer mcs_${name}` }
  }
  const sessions = {
    consumer: await session('consumer', tenant),
    other: await session('another', account(8)),
    anonymous: {},
  }
  return { ...api, sessions }
}

const leaks = (text: string) => secrets.filter((secret) => text.includes(secret))

test('every route, for a consumer, another one and nobody', async () => {
  const { app, url, callers, sessions, logged } = await system()
  expect(served(app).sort()).toEqual(Object.keys(ROUTES).sort())
  const read: string[] = []
  for (const [route, row] of Object.entries(ROUTES)) {
    if (typeof row === 'string') continue
    const [method = '', path = ''] = route.split(' ')
    const statuses: Partial<Record<Who, number>> = {}
    for (const who of WHO) {
      const response = await fetch(`${url}${row.at ?? path}`, {
        method,
        headers: {
          ...(row.bySession ? sessions : callers)[who],
          ...(path.startsWith('/v1') && { 'x-consumer': tenant }),
          ...(row.body && { 'content-type': 'application/json' }),
        },
        ...(row.body && { body: JSON.stringify(row.body) }),
      })
      const told = leaks(await response.text())
      statuses[who] = response.status
      if (who === 'consumer') read.push(...(told.length > 0 ? [route] : []))
      else expect([route, who, told]).toEqual([route, who, []])
    }
    const [consumer, other, anonymous] = row.told
    expect([route, statuses]).toEqual([route, { consumer, other, anonymous }])
  }
  // Otherwise there would be nothing that could leak.
  expect(read).toEqual([
    ...['GET /export.csv', 'GET /export.jsonl', 'POST /export.csv', 'POST /export.jsonl', 'GET /auth/keys'],
    ...['GET /v1/receipts/:id', 'GET /v1/responses/:id', 'POST /v1/responses/:id/cancel'],
  ])
  expect(logged).toEqual([])
})

const version = { versionId: '1' }
/** What each tool is called with. */
const TOOLS: Record<string, object[]> = {
  list_models: [{}],
  infer: [{ model: 'endpoint:99', prompt: 'x' }],
  lineage: [version, ...['JobRun:r', 'Receipt:r', 'Contribution:3', `Account:${tenant}`].map((of) => ({ of }))],
  evaluations: [version],
  explain_reward: [{ account: tenant, epoch: '1' }],
  list_proposals: [{}],
}
/** What `infer` says: to the consumer of the model, to the others of the account that it names. */
const INFER: Record<Who, RegExp> = { consumer: /^model_not_found/, other: /^forbidden/, anonymous: /^invalid_api_key/ }

const RESOURCES: Record<string, string> = {
  'modelcommons://versions/{id}': 'modelcommons://versions/1',
  'modelcommons://datanets/{id}': 'modelcommons://datanets/1',
  'modelcommons://receipts/{id}': 'modelcommons://receipts/r',
  'modelcommons://versions/{id}/{document}': 'modelcommons://versions/1/card.md',
}

test('every tool and resource of agents, for a consumer, another one and nobody', async () => {
  const { url, callers, logged } = await system()
  const read: string[] = []
  for (const who of WHO) {
    const agent = await mcpClient(url, 'auto', { ...callers[who], 'x-consumer': tenant } as Record<string, string>)
    expect((await agent.listTools()).tools.map(({ name }) => name).sort()).toEqual(Object.keys(TOOLS).sort())
    const { resourceTemplates } = await agent.listResourceTemplates()
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate).sort()).toEqual(Object.keys(RESOURCES).sort())
    const note = (what: string, told: unknown) => {
      const found = leaks(JSON.stringify(told))
      if (who === 'consumer') read.push(...(found.length > 0 ? [what] : []))
      else expect([what, who, found]).toEqual([what, who, []])
    }
    for (const [name, all] of Object.entries(TOOLS))
      for (const given of all) {
        const told = await agent.callTool({ name, arguments: given as Record<string, unknown> })
        note(name, told)
        const [content] = told.content as { text: string }[]
        if (name === 'infer') expect(must(content).text).toMatch(INFER[who])
      }
    for (const uri of Object.values(RESOURCES))
      note(uri, await agent.readResource({ uri }).catch((error: Error) => error.message))
    note('resources', await agent.listResources())
  }
  expect(read).toContain('modelcommons://receipts/r')
  expect(logged).toEqual([])
})
