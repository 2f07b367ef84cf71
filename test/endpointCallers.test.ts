import { expect, test } from 'vitest'
import { openGateway } from '#gateway/index.ts'
import { hashKey } from '#graphql/access.ts'
import { SERVED_HOST, testApi } from '#graphql/test/api.ts'
import { codeOf, createMarket, me, OTHER_HOST, REQUEST_ANSWER, stranger } from '#graphql/test/market.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import { insert } from './factory.ts'
import { mcpClient } from './mcpSystem.ts'
import { must } from './must.ts'
import { runProgram } from './testSystem.ts'

/** Who may call an endpoint is asked in one place, by whatever way a call comes. Endpoint 4 is free, and so would be anybody's. */

const SET =
  'mutation ($id: ID!, $accounts: [String!]) { setEndpointCallers(endpointId: $id, accounts: $accounts, idempotencyKey: "k") { id isRestricted callers } }'

async function market(auth: 'keys' | 'open' = 'keys') {
  const api = await testApi({ auth, gateway: openGateway })
  await createMarket(api)
  await api.db.query(`update model set live_version_id = '1' where id = '1'`)
  const key = async (name: string, account: string, role: ApiKey['role'] = 'Consumer') => {
    await insert(api.db, ApiKey, { id: hashKey(name), account, role })
    return { authorization: `Bearer ${name}` }
  }
  const keys = {
    host: await key('the-host-key', SERVED_HOST),
    listed: await key('a-listed-key', me),
    other: await key('another-key', stranger.address.toLowerCase()),
    operator: await key('operator-key', OTHER_HOST, 'Operator'),
  }
  const accounts = { host: SERVED_HOST, listed: me, other: stranger.address.toLowerCase(), operator: OTHER_HOST }
  const restrict = (given: readonly string[] | null, headers: Record<string, string> = keys.host, id = '4') =>
    api.ask(SET, { id, accounts: given }, headers)
  let calls = 0
  const infer = (who: keyof typeof accounts, more: object = {}) => {
    const input = { endpointId: '4', prompt: 'x', consumer: accounts[who], ...more }
    return api.ask(REQUEST_ANSWER, { input, key: `call ${calls++}` }, keys[who])
  }
  return { ...api, keys, restrict, infer }
}

/** A call over HTTP whose answer is not waited for: no worker answers here. */
async function call(url: string, headers: Record<string, string>, model = 'endpoint:4') {
  const response = await fetch(`${url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, input: 'x', background: true }),
  })
  const body = (await response.json()) as { error?: { code: string } | null }
  return { status: response.status, code: body.error?.code }
}

test('an endpoint with a list answers its host and the listed accounts, by every way of calling', async () => {
  const { url, keys, restrict, infer, db, ask } = await market()
  expect((await restrict([stranger.address, me, me])).data.setEndpointCallers).toEqual({
    id: '4',
    isRestricted: true,
    callers: [me, stranger.address.toLowerCase()].sort(),
  })
  expect((await restrict([me])).errors).toBeUndefined()
  for (const who of ['listed', 'host'] as const) expect((await infer(who)).errors).toBeUndefined()
  expect(await codeOf(infer('other'))).toBe('CALLER_NOT_LISTED')
  // An operator may ask for anybody, but pays from no account that is not listed.
  expect(await codeOf(infer('operator'))).toBe('CALLER_NOT_LISTED')
  expect((await infer('operator', { consumer: me })).errors).toBeUndefined()

  expect(await call(url, keys.other)).toEqual({ status: 403, code: 'caller_not_listed' })
  expect(await call(url, keys.listed)).toEqual({ status: 200, code: undefined })
  const agent = await mcpClient(url, 'auto', keys.other)
  const told = await agent.callTool({ name: 'infer', arguments: { model: 'endpoint:4', prompt: 'x' } })
  expect(told).toMatchObject({
    isError: true,
    content: [{ text: expect.stringMatching(/^caller_not_listed: .*Ask its host/) }],
  })
  const bodies = {
    '/v1/embeddings': { input: 'x' },
    '/v1/completions': { prompt: 'x' },
    '/v1/chat/completions': { messages: [{ role: 'user', content: 'x' }] },
    '/v1/messages': { max_tokens: 1, messages: [{ role: 'user', content: 'x' }] },
  }
  for (const [path, body] of Object.entries(bodies)) {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...keys.other },
      body: JSON.stringify({ model: 'endpoint:4', ...body }),
    })
    expect([path, response.status]).toEqual([path, 403])
  }

  const job = must((await infer('listed')).data).infer.id
  await db.query(`update job_run set status = 'Failed', finished_at = now() where id = $1`, [job])
  await restrict([])
  expect(await codeOf(infer('listed'))).toBe('CALLER_NOT_LISTED')
  const retry = 'mutation ($id: ID!) { retryJob(id: $id, idempotencyKey: "r") { status } }'
  expect(await codeOf(ask(retry, { id: job }, keys.operator))).toBe('CALLER_NOT_LISTED')
  expect((await infer('host')).errors).toBeUndefined()
  expect((await restrict(null)).data.setEndpointCallers).toEqual({ id: '4', isRestricted: false, callers: null })
  expect((await infer('other')).errors).toBeUndefined()
  expect((await db.query('select id from credit_hold')).rows).toHaveLength(7)
})

test('a model is answered by an endpoint that lists who asks; others see none of it', async () => {
  const { url, keys, restrict } = await market()
  await restrict([me])
  const models = async (headers: Record<string, string>) => {
    const response = await fetch(`${url}/v1/models`, { headers })
    return ((await response.json()) as { data: { id: string }[] }).data.map(({ id }) => id)
  }
  expect(await models(keys.listed)).toContain('endpoint:4')
  expect(await models(keys.host)).toContain('endpoint:4')
  expect(await models(keys.other)).toEqual(['endpoint:1'])
  expect(await models({})).toEqual(['endpoint:1'])
  // The free one keeps them away, and the other one is to be paid.
  expect(await call(url, keys.other, 'model:1')).toEqual({ status: 402, code: 'insufficient_quota' })
  expect((await call(url, keys.listed, 'model:1')).status).toBe(200)
})

test('its host and operators set and see a list; nobody else', async () => {
  const { restrict, ask, keys } = await market()
  expect(await codeOf(restrict([me], keys.listed))).toBe('FORBIDDEN')
  expect(await codeOf(restrict([me], {}))).toBe('UNAUTHENTICATED')
  expect(await codeOf(restrict([me], keys.host, '5'))).toBe('FORBIDDEN') // another host's
  expect(await codeOf(restrict([me], keys.host, '99'))).toBe('UNKNOWN_ENDPOINT')
  expect(await codeOf(restrict(['me']))).toBe('BAD_INPUT')
  expect((await restrict([me], keys.operator)).errors).toBeUndefined()
  expect(await codeOf(restrict([me], keys.operator, '6'))).toBe('NOT_HOSTED_HERE') // nobody asks for it here
  const seen = async (headers: Record<string, string>) =>
    (await ask('{ endpoint(id: "4") { isRestricted callers } }', {}, headers)).data.endpoint
  for (const who of [keys.host, keys.operator]) expect(await seen(who)).toEqual({ isRestricted: true, callers: [me] })
  for (const who of [keys.listed, keys.other, {}])
    expect(await seen(who)).toEqual({ isRestricted: true, callers: null })
})

test('an API that knows nobody keeps a list by answering nobody', async () => {
  const { restrict, infer, db, url } = await market('open')
  expect(await codeOf(restrict([me]))).toBe('KEYS_REQUIRED')
  await db.query(`insert into endpoint_callers (id, accounts, changed_at) values ('4', $1, now())`, [[me]])
  expect(await codeOf(infer('listed'))).toBe('CALLER_NOT_LISTED')
  expect(await call(url, { 'x-consumer': me })).toEqual({ status: 403, code: 'caller_not_listed' })
  expect(await call(url, { 'x-consumer': me }, 'model:1')).toEqual({ status: 402, code: 'insufficient_quota' })
})

test('the command line lists, allows, denies and lifts', async () => {
  const { db } = await market()
  const callers = async (...args: string[]) => {
    const { code, output } = await runProgram('callers', { DATABASE_URL: db.url, LOG_LEVEL: 'silent' }, args)
    return code === 0 ? output : `${code}: ${output}`
  }
  expect(await callers('allow', '4', me)).toBe(`endpoint 4  its host, ${me} may call it`)
  expect(await callers('allow', '4', stranger.address)).toContain(stranger.address.toLowerCase())
  expect(await callers('deny', '4', me)).toBe(`endpoint 4  its host, ${stranger.address.toLowerCase()} may call it`)
  expect(JSON.parse(await callers('list', '--json')).endpoints).toMatchObject([
    { id: '4', accounts: [stranger.address.toLowerCase()], changedBy: null },
  ])
  expect(await callers('everybody', '4')).toBe('endpoint 4  everybody may call it')
  expect(await callers('list')).toBe('Everybody may call every endpoint.')
  expect(await callers('allow', '99', me)).toMatch(/There is no endpoint 99/)
  expect(await callers('allow', '4', 'me')).toMatch(/address/)
})
