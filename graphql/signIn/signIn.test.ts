import { randomBytes } from 'node:crypto'
import { toHex } from 'viem'
import { createSiweMessage, parseSiweMessage, type SiweMessage } from 'viem/siwe'
import { expect, test } from 'vitest'
import { openGateway } from '#gateway/index.ts'
import { TEST_CHAIN_ID } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { type TestApi, testApi } from '../test/api.ts'
import {
  callInput,
  codeOf,
  consumer,
  createMarket,
  MAXIMUM,
  me,
  openChannel,
  REQUEST_ANSWER,
  REQUEST_TRAINING,
  stranger,
  submit,
} from '../test/market.ts'
import { makeNonce } from './nonce.ts'

const started = (over: Parameters<typeof testApi>[0] = {}) => testApi({ auth: 'keys', gateway: openGateway, ...over })

async function send(api: Pick<TestApi, 'url'>, method: string, path: string, body?: object, token?: string) {
  const response = await fetch(`${api.url}/auth${path}`, {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  // biome-ignore lint/suspicious/noExplicitAny: each route has its own shape
  const json: any = text ? JSON.parse(text) : {}
  return { status: response.status, json, code: json.errors?.[0]?.extensions.code, said: json.errors?.[0]?.message }
}

const messageFor = async (api: TestApi, address = consumer.address) =>
  (await send(api, 'POST', '/message', { address, uri: api.url })).json.message as string

async function signIn(api: TestApi, who = consumer) {
  const message = await messageFor(api, who.address)
  const { json, said } = await send(api, 'POST', '/session', { message, signature: await who.signMessage({ message }) })
  return must<string>(json.token, said)
}

test('who signs in reads his own, makes keys, and they end as they should', async () => {
  const api = await started()
  await createMarket(api)
  const token = await signIn(api)
  expect(token).toMatch(/^mcs_[\w-]{43}$/)
  expect(
    await codeOf(api.ask(REQUEST_ANSWER, { input: callInput(), key: 'k' }, { authorization: `Bearer ${token}` })),
  ).toBe('FORBIDDEN')
  const make = async (body: object) =>
    (await send(api, 'POST', '/keys', body, token)).json as { id: string; key: string }
  const asks = (key: string, query = REQUEST_ANSWER, input: object = callInput()) =>
    codeOf(api.ask(query, { input, key: randomBytes(8).toString('hex') }, { authorization: `Bearer ${key}` }))

  const all = await make({ label: 'laptop' })
  expect(all.key).toMatch(/^mc_[\w-]{43}$/)
  expect(JSON.stringify((await api.db.query('select * from api_key')).rows)).not.toContain(all.key)
  expect(await asks(all.key)).toBe('NO_CHANNEL') // it may; nothing pays
  expect(await asks(all.key, REQUEST_TRAINING, {})).toBeDefined()
  const reads = await make({ scopes: [] })
  expect(await asks(reads.key)).toBe('FORBIDDEN')
  const infers = await make({ scopes: ['infer'] })
  expect(await asks(infers.key)).toBe('NO_CHANNEL')
  const upload = 'mutation { uploadArtifact(kind: "text", content: "x", idempotencyKey: "k") { id } }'
  expect((await api.ask(upload, {}, { authorization: `Bearer ${infers.key}` })).errors?.[0]?.message).toContain(
    'scope write',
  )
  const brief = await make({ expiresInDays: 1 })
  expect(await asks(brief.key)).toBe('NO_CHANNEL')
  await api.db.query(`update api_key set expires_at = now() where id = $1`, [brief.id])
  expect(await asks(brief.key)).toBe('UNAUTHENTICATED')

  const rotated = (await send(api, 'POST', `/keys/${infers.id}/rotate`, {}, token)).json
  expect(await asks(infers.key)).toBe('UNAUTHENTICATED')
  expect(await asks(rotated.key)).toBe('NO_CHANNEL')
  expect((await send(api, 'DELETE', `/keys/${rotated.id}`, undefined, token)).status).toBe(204)
  expect(await asks(rotated.key)).toBe('UNAUTHENTICATED')
  const { keys } = (await send(api, 'GET', '/keys', undefined, token)).json
  expect(keys).toHaveLength(5)
  expect(keys.at(-1)).toMatchObject({ label: 'laptop', prefix: all.key.slice(0, 9), scopes: null, spent: '0' })
  expect(JSON.stringify(keys)).not.toContain(all.key)

  const other = await signIn(api, stranger)
  expect((await send(api, 'GET', '/keys', undefined, other)).json).toEqual({ keys: [] })
  for (const [method, path] of [
    ['DELETE', `/keys/${all.id}`],
    ['POST', `/keys/${all.id}/rotate`],
  ] as const)
    expect(await send(api, method, path, method === 'POST' ? {} : undefined, other)).toMatchObject({
      status: 404,
      code: 'UNKNOWN_KEY',
    })
  for (const asked of [all.key, undefined, 'mcs_unknown-token'])
    expect((await send(api, 'POST', '/keys', {}, asked)).status).toBe(401)
  for (let made = 0; made < 48; made++) await make({})
  expect(await send(api, 'POST', '/keys', {}, token)).toMatchObject({
    status: 400,
    code: expect.stringMatching(/TOO_MANY_KEYS/),
  })
  expect((await send(api, 'DELETE', '/session', undefined, token)).status).toBe(204)
  expect((await send(api, 'GET', '/keys', undefined, token)).status).toBe(401)
  expect(await asks(all.key)).toBe('NO_CHANNEL') // keys outlive the session
  expect(api.logged).toEqual([])
})

test('a key with a cap spends no more, however many of its calls come at once', async () => {
  const api = await started()
  await createMarket(api)
  await openChannel(api, MAXIMUM * 100n)
  await submit(api, { ceiling: MAXIMUM * 100n })
  const token = await signIn(api)
  const { key } = (await send(api, 'POST', '/keys', { spendCap: String(MAXIMUM * 3n) }, token)).json
  const ask = (name: string) =>
    codeOf(api.ask(REQUEST_ANSWER, { input: callInput(), key: name }, { authorization: `Bearer ${key}` }))
  const codes = await Promise.all(Array.from({ length: 16 }, (_, n) => ask(`k${n}`)))
  expect(codes.filter((code) => code === undefined)).toHaveLength(3)
  expect(codes.filter((code) => code === 'SPEND_CAP_REACHED')).toHaveLength(13)
  const spent = async () => (await send(api, 'GET', '/keys', undefined, token)).json.keys[0].spent
  expect(await spent()).toBe(String(MAXIMUM * 3n))
  await api.db.query('update credit_hold set open = false, fee = 1 where id = (select min(id) from credit_hold)')
  expect(await spent()).toBe(String(MAXIMUM * 2n + 1n))
  expect(await ask('more')).toBe('SPEND_CAP_REACHED')
  await api.db.query('update credit_hold set open = false, fee = null where open') // failed or cancelled
  expect(await ask('more')).toBeUndefined()
  expect((await api.db.query('select count(*) as n from key_call')).rows[0].n).toBe(4)
  expect(api.logged).toEqual([])
})

test('a message for another place, time, chain or server signs nobody in, and none signs in twice', async () => {
  const api = await started({ corsOrigins: ['https://page.example'] })
  const good = await messageFor(api)
  const fields = parseSiweMessage(good) as SiweMessage
  const enter = async (message: string, who = consumer) =>
    send(api, 'POST', '/session', { message, signature: await who.signMessage({ message }) })
  const altered = (more: Partial<SiweMessage>) => createSiweMessage({ ...fields, ...more })
  const past = new Date(Date.now() - 1000)
  for (const [message, reason] of [
    [altered({ domain: 'evil.example', uri: 'https://evil.example' }), /domain/],
    [altered({ domain: 'localhost:1', uri: 'http://localhost:1' }), /domain/],
    [altered({ uri: 'https://evil.example' }), /URI/],
    [altered({ chainId: TEST_CHAIN_ID + 1 }), /chain/],
    [altered({ nonce: randomBytes(34).toString('hex') }), /nonce/],
    [altered({ nonce: makeNonce(randomBytes(32), new Date()) }), /nonce/],
    [altered({ expirationTime: past }), /expired/],
    [altered({ notBefore: new Date(Date.now() + 60_000) }), /not valid yet/],
    [altered({ address: stranger.address }), /signature/],
    [`${good}\nSend everything.`, /EIP-4361/],
    [good.replace('Sign in', 'Sign  in'), /signature|EIP-4361/],
    ['let me in', /EIP-4361/],
    ['', /EIP-4361/],
  ] as const) {
    const signed = reason.source === 'signature|EIP-4361' ? good : message
    const { status, code, said } = await send(api, 'POST', '/session', {
      message,
      signature: await consumer.signMessage({ message: signed }),
    })
    expect([message, status, code]).toEqual([message, 400, 'BAD_SIGN_IN'])
    expect(said).toMatch(reason)
  }
  for (const signature of ['0x', `0x${'00'.repeat(65)}`, `0x${'ff'.repeat(65)}`, '0xzz', toHex(randomBytes(65))])
    expect((await send(api, 'POST', '/session', { message: good, signature })).status).toBe(400)
  expect((await send(api, 'POST', '/message', { address: me, uri: 'https://evil.example' })).code).toBe('BAD_SIGN_IN')

  expect((await enter(good)).status).toBe(200)
  expect(await enter(good)).toMatchObject({
    status: 400,
    code: 'BAD_SIGN_IN',
    said: expect.stringContaining('been used'),
  })
  const races = await messageFor(api)
  const answers = await Promise.all(Array.from({ length: 8 }, () => enter(races)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  const page = (await send(api, 'POST', '/message', { address: consumer.address, uri: 'https://page.example/in' })).json
    .message
  expect((await enter(page)).status).toBe(200)
  expect(api.logged).toEqual([])
})

test('a contract wallet signs in where signatures are asked of the chain; an open API needs no keys', async () => {
  const seen: string[] = []
  const api = await started({
    verifySignature: async ({ address, signature }) => {
      seen.push(address)
      return signature === '0x1271'
    },
  })
  const message = await messageFor(api, stranger.address)
  expect((await send(api, 'POST', '/session', { message, signature: '0x00' })).status).toBe(400)
  expect((await send(api, 'POST', '/session', { message, signature: '0x1271' })).json.account).toBe(
    stranger.address.toLowerCase(),
  )
  expect(seen).toEqual([stranger.address, stranger.address])
  const open = await testApi()
  expect((await send(open, 'POST', '/message', { address: me })).code).toBe('NO_KEYS')
})
