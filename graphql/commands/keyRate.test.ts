import { expect, test } from 'vitest'
import { openGateway } from '#gateway/index.ts'
import { hashKey } from '#graphql/access.ts'
import { startApi } from '#graphql/index.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { insert } from '#test/factory.ts'
import { testApi } from '../test/api.ts'
import { createMarket, me } from '../test/market.ts'

async function limited(limits: Partial<ApiKey>) {
  const api = await testApi({ auth: 'keys', gateway: openGateway })
  await createMarket(api)
  await insert(api.db, ApiKey, { id: hashKey('limited-key'), account: me, role: 'Consumer', ...limits })
  const ask = async (body: object = {}, url = api.url) => {
    const response = await fetch(`${url}/v1/responses`, {
      method: 'POST',
      headers: { authorization: 'Bearer limited-key', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'endpoint:4', input: 'x', background: true, max_output_tokens: 16, ...body }),
    })
    // biome-ignore lint/suspicious/noExplicitAny: the form is another API's
    return { status: response.status, headers: response.headers, json: (await response.json()) as any }
  }
  return { ...api, ask }
}

test('a key may start so many calls in a minute, at the same time and by several servers too', async () => {
  const { ask, db, stop: _, ...api } = await limited({ requestsPerMinute: 10 })
  const other = await startApi({
    ...{ db, queues: { add: async () => {} }, artifacts: api.artifacts, host: '127.0.0.1', port: 0, auth: 'keys' },
    ...{ log: { error: () => {} }, deployment: { chainId: 31337, addresses: {}, hosts: [`0x${'0'.repeat(38)}ab`] } },
    gateway: openGateway,
  })
  try {
    const answers = await Promise.all(Array.from({ length: 64 }, (_, n) => ask({}, n % 2 ? other.url : api.url)))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(10)
    expect(statuses.filter((status) => status === 429)).toHaveLength(54)
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.json.error).toMatchObject({ type: 'rate_limit_error', code: 'rate_limit_exceeded' })
    const wait = Number(refused?.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(1)
    expect(wait).toBeLessThanOrEqual(60)
    expect(refused?.headers.get('x-ratelimit-limit-requests')).toBe('10')
    expect(refused?.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    expect(refused?.headers.get('x-ratelimit-reset-requests')).toMatch(/^\d+s$/)
    expect((await db.query('select count(*) as n from job_run')).rows[0].n).toBe(10)
  } finally {
    await other.stop()
  }
  await db.query(`update key_call set started_at = started_at - interval '61 seconds'`)
  expect((await ask()).headers.get('x-ratelimit-remaining-requests')).toBe('9')
})

test('a key may have so many tokens in a minute: those that a call may have, and once it is answered those that it has', async () => {
  const { ask, db } = await limited({ tokensPerMinute: 150 })
  const first = await ask()
  expect(first.status).toBe(200)
  const left = Number(first.headers.get('x-ratelimit-remaining-tokens'))
  const size = 150 - left
  expect(size).toBeGreaterThan(16)
  expect(first.headers.get('x-ratelimit-limit-tokens')).toBe('150')
  let last = first
  for (let n = 1; n < Math.floor(150 / size); n++) last = await ask()
  expect(last.status).toBe(200)
  expect((await ask()).status).toBe(429)
  const id = String(first.json.id).slice('resp_'.length)
  await insert(db, Receipt, { id, jobId: id, consumer: me, tokensIn: 1, tokensOut: 1 })
  expect((await ask({ max_output_tokens: 16 })).status).toBe(200) // it had two tokens only
  const big = await ask({ max_output_tokens: 4000 })
  expect([big.status, big.json.error.message]).toEqual([400, expect.stringContaining('in a minute')]) // it would never fit
})

test('several answers are refused before the first of them, when together they have too many tokens', async () => {
  const { ask, db, url } = await limited({ tokensPerMinute: 400 })
  const chat = (n: number) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer limited-key', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'endpoint:4', messages: [{ role: 'user', content: 'x' }], max_tokens: 64, n }),
    })
  const { status } = await chat(16)
  expect(status).toBe(400) // never
  expect((await db.query('select id from job_run')).rows).toEqual([])
  expect((await ask()).status).toBe(200)
})

test('a key without such limits has none, and its calls are counted as its own', async () => {
  const { ask, db } = await limited({})
  const answer = await ask()
  expect(answer.headers.get('x-ratelimit-limit-requests')).toBe('256')
  expect(answer.headers.get('x-ratelimit-limit-tokens')).toBeNull()
  expect((await db.query('select key_id as key from key_call')).rows).toEqual([{ key: hashKey('limited-key') }])
})
