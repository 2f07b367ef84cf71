import { expect, test } from 'vitest'
import { createOwnKey } from '../signIn/ownKeys.ts'
import { type TestApi, testApi } from '../test/api.ts'
import { callInput, codeOf, createMarket, MAXIMUM, me, openChannel, REQUEST_ANSWER, submit } from '../test/market.ts'

const CANCEL = 'mutation ($id: ID!) { cancelJob(id: $id, idempotencyKey: "c") { status input textsRemovedAt } }'
const RETRY = 'mutation ($id: ID!) { retryJob(id: $id, idempotencyKey: "r") { status } }'
const LONG = '\u4e00'.repeat(32_768)

async function ownKeyed(): Promise<{ api: TestApi; headers: Record<string, string> }> {
  const api = await testApi({ auth: 'keys', maxUploadBytes: 1_000 })
  await createMarket(api)
  const terms = { label: '', scopes: null, expiresAt: null, spendCap: null }
  const { key } = await createOwnKey(api.db, me, terms)
  return { api, headers: { authorization: `Bearer ${key}` } }
}

test('a call that is cancelled before it begins keeps no texts: a loop of them stores no prompts', async () => {
  const { api, headers } = await ownKeyed()
  await Promise.all(
    Array.from({ length: 20 }, async (_, place) => {
      const input = callInput({ endpointId: '4', prompt: LONG, stop: [LONG.slice(0, 200)] })
      const { data } = await api.ask(REQUEST_ANSWER, { input, key: `call ${place}` }, headers)
      const {
        status,
        input: left,
        textsRemovedAt,
      } = (await api.ask(CANCEL, { id: data.infer.id }, headers)).data.cancelJob
      expect([status, textsRemovedAt, left.endpointId]).toEqual(['Cancelled', expect.any(String), '4'])
    }),
  )
  const { rows } = await api.db.query(
    `select count(*)::int as calls, max(length(job_run::text)) < 2000 as small, (select count(*)::int from journalled_text) as journalled from job_run`,
  )
  expect(rows).toEqual([{ calls: 20, small: true, journalled: 0 }])
})

test('a cancelled call is that one under its key, whatever is asked again; it is not tried again without its prompt', async () => {
  const api = await testApi()
  await createMarket(api)
  await openChannel(api, MAXIMUM)
  await submit(api, { ceiling: MAXIMUM })
  const ask = (more: object = {}) => api.ask(REQUEST_ANSWER, { input: callInput(more), key: 'a' })
  const { id } = (await ask()).data.infer
  await api.ask(CANCEL, { id })
  expect((await ask()).data.infer).toMatchObject({ id, status: 'Cancelled' })
  expect(await codeOf(ask({ maxTokens: 1 }))).toBe('IDEMPOTENCY_KEY_REUSED')
  const refused = (await api.ask(RETRY, { id })).errors?.[0]
  expect([refused?.extensions.code, refused?.message]).toEqual(['TEXTS_REMOVED', expect.stringContaining('Ask again')])
  const { rows } = await api.db.query('select open, fee from credit_hold')
  expect(rows).toEqual([{ open: false, fee: 0n }])
})
