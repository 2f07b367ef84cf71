import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { enqueue, findJob } from '#schema/enqueue.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import type { JobStatus } from '#schema/offchain/jobs.ts'
import { account, insert, insertChain } from '#test/factory.ts'
import { type TestApi, testApi } from './test/api.ts'

const RETRY =
  'mutation ($id: ID!) { retryJob(id: $id, idempotencyKey: "r") { id status attempt attempts waits retryAt error } }'
const RETRY_ALL = `mutation ($selection: JobSelection!) { retryJobs(selection: $selection, idempotencyKey: "r") {
  retried { id kind status } refused { id code message } } }`

const queues = { add: async () => {} }
let keys = 0
/** A job in a given state. */
async function job(
  api: TestApi,
  status: JobStatus,
  { kind = 'settleEpoch', input = { epoch: 1 }, code = 'INTERNAL' } = {},
) {
  const key = `key ${++keys}`
  const { id } = await enqueue({ db: api.db, queues }, kind as 'settleEpoch', input, { key, requestedBy: null })
  await api.db.query(
    `update job_run set status = $2, attempt = 5, waits = 3, error = jsonb_build_object('code', $3::text, 'message', 'x'), finished_at = now(),
       retry_at = now() + interval '1 hour', cancel_requested = $2 = 'Cancelled' where id = $1`,
    [id, status, code],
  )
  return id
}

test('a failed, cancelled or waiting job is queued again with fresh attempts under its id, and twice is as once', async () => {
  const api = await testApi()
  await insertChain(api.db, 5)
  for (const status of ['Failed', 'Cancelled', 'Waiting'] as const) {
    const id = await job(api, status)
    const fresh = { id, status: 'Queued', attempt: 5, attempts: 10, waits: 0, retryAt: null, error: null }
    expect((await api.ask(RETRY, { id })).data.retryJob).toEqual(fresh)
    expect((await api.ask(RETRY, { id })).data.retryJob).toEqual(fresh)
    expect(await findJob(api.db, id)).toMatchObject({ cancelRequested: false, finishedAt: null })
  }
})

test('a job that has succeeded, or whose effect is there, is refused with the reason', async () => {
  const api = await testApi()
  await insertChain(api.db, 5)
  const code = async (id: string) => (await api.ask(RETRY, { id })).errors?.[0]
  expect(await code(await job(api, 'Succeeded'))).toMatchObject({ extensions: { code: 'JOB_SUCCEEDED' } })
  expect(await code('none')).toMatchObject({ extensions: { code: 'JOB_NOT_FOUND' } })
  await insert(api.db, Receipt, { id: 'r1', epoch: 4 })
  const attribution = await job(api, 'Failed', { kind: 'attribute', input: { receiptId: 'r1' } as never })
  expect(await code(attribution)).toMatchObject({
    extensions: { code: 'EFFECT_PRESENT' },
    message: expect.stringContaining('its epoch is being settled'),
  })
  await api.db.query('update receipt set epoch = null')
  expect((await api.ask(RETRY, { id: attribution })).data.retryJob.status).toBe('Queued')
})

test('a selection retries what it can and says what it cannot', async () => {
  const api = await testApi()
  await insertChain(api.db, 5)
  const failed = await job(api, 'Failed', { code: 'ARTIFACT_STORE' })
  const other = await job(api, 'Failed')
  const waiting = await job(api, 'Waiting', { code: 'ARTIFACT_STORE' })
  await insert(api.db, Receipt, { id: 'r1', epoch: 4 })
  const refused = await job(api, 'Failed', {
    kind: 'attribute',
    input: { receiptId: 'r1' } as never,
    code: 'ARTIFACT_STORE',
  })
  const { data } = await api.ask(RETRY_ALL, {
    selection: { statuses: ['Failed', 'Waiting'], errorCode: 'ARTIFACT_STORE' },
  })
  expect(data.retryJobs.retried.map(({ id }: { id: string }) => id)).toEqual([failed, waiting])
  expect(data.retryJobs.refused).toMatchObject([{ id: refused, code: 'EFFECT_PRESENT' }])
  expect((await findJob(api.db, other)).status).toBe('Failed')
  expect((await api.ask(RETRY_ALL, { selection: { kinds: ['settleEpoch'] } })).data.retryJobs.retried).toMatchObject([
    { id: other },
  ])
  const wrong = await api.ask(RETRY_ALL, { selection: { statuses: ['Succeeded'] } })
  expect(wrong.errors?.[0]).toMatchObject({ extensions: { code: 'BAD_INPUT' } })
})

test('only operators retry', async () => {
  const api = await testApi({ auth: 'keys' })
  await insertChain(api.db, 5)
  const id = await job(api, 'Failed')
  await insert(api.db, ApiKey, {
    id: createHash('sha256').update('consumer-key').digest('hex'),
    role: 'Consumer',
    account: account(1),
    revokedAt: null,
  })
  for (const [headers, code] of [
    [{}, 'UNAUTHENTICATED'],
    [{ authorization: 'Bearer consumer-key' }, 'FORBIDDEN'],
  ] as const) {
    expect((await api.ask(RETRY, { id }, headers)).errors?.[0]?.extensions.code).toBe(code)
    expect((await api.ask(RETRY_ALL, { selection: {} }, headers)).errors?.[0]?.extensions.code).toBe(code)
  }
})
