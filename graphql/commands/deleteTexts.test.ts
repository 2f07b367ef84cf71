import { expect, test } from 'vitest'
import { openGateway } from '#gateway/index.ts'
import { hashKey } from '#graphql/access.ts'
import { enqueue } from '#schema/enqueue.ts'
import { SignInSession } from '#schema/offchain/access.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { insert } from '#test/factory.ts'
import { codeOf } from '../test/market.ts'
import { SECRET, tenant, tenants } from '../test/tenants.ts'

const DELETE = `mutation ($ids: [ID!], $before: DateTimeISO) {
  deleteTexts(ids: $ids, before: $before, idempotencyKey: "k") { deleted kept hasMore } }`
const READ =
  '{ receipts { nodes { id prompt answer fee hash textsRemovedAt attributions { nodes { spans } } } } jobs { nodes { id input result } } }'

test('a consumer deletes the texts of his own calls at once, and nobody else does', async () => {
  const { ask, callers, db } = await tenants()
  const before = (await ask(READ, {}, callers.consumer)).data.receipts.nodes[0]
  expect(await codeOf(ask(DELETE, { ids: ['r'] }, callers.other))).toBe('RECEIPT_NOT_FOUND')
  expect(await codeOf(ask(DELETE, { ids: ['r'] }, callers.anonymous))).toBe('UNAUTHENTICATED')
  expect(await codeOf(ask(DELETE, { ids: ['r'] }, callers.operator))).toBe('RECEIPT_NOT_FOUND')
  expect((await ask(DELETE, { before: new Date() }, callers.other)).data.deleteTexts.deleted).toBe(0)
  await insert(db, JobRun, {
    id: 'runs',
    kind: 'infer',
    status: 'Running',
    input: { prompt: SECRET },
    requestedBy: tenant,
    finishedAt: null,
  })

  const deleted = { deleted: 1, kept: [], hasMore: false }
  expect((await ask(DELETE, { ids: ['r'] }, callers.consumer)).data.deleteTexts).toEqual(deleted)
  expect((await ask(DELETE, { ids: ['r'] }, callers.consumer)).data.deleteTexts).toEqual({ ...deleted, deleted: 0 })
  const { receipts, jobs } = (await ask(READ, {}, callers.consumer)).data
  const { fee, hash } = before
  expect(receipts.nodes[0]).toMatchObject({
    id: 'r',
    prompt: '',
    answer: '',
    fee,
    hash,
    textsRemovedAt: expect.any(String),
  })
  expect(JSON.stringify([receipts, jobs.nodes.filter(({ id }: { id: string }) => id === 'r')])).not.toContain(SECRET)
  expect((await ask(DELETE, { ids: ['runs'] }, callers.consumer)).data.deleteTexts).toEqual({
    deleted: 0,
    kept: ['runs'],
    hasMore: false,
  })
})

test('all calls that ended before a time, by a session of the account', async () => {
  const { ask, db } = await tenants()
  const expiresAt = new Date(Date.now() + 3_600_000)
  await insert(db, SignInSession, { id: 's', tokenHash: hashKey('mcs_session-token'), account: tenant, expiresAt })
  await db.query('update job_run set finished_at = now()')
  const session = { authorization: 'Bearer mcs_session-token' }
  const told = (await ask(DELETE, { before: new Date(Date.now() + 60_000) }, session)).data.deleteTexts
  expect(told).toEqual({ deleted: 2, kept: [], hasMore: false }) // r and f; b is nobody’s
  expect((await db.query(`select id from job_run where kind = 'infer' and texts_removed_at is null`)).rows).toEqual([
    { id: 'b' },
  ])
})

test('calls that failed are deleted behind any number of those that are evidence', async () => {
  const { ask, callers, db } = await tenants()
  await db.query(
    `insert into receipt select (jsonb_populate_record(receipt, jsonb_build_object('id', 'e' || n, 'job_id', 'e' || n, 'is_open', true, 'fee', 1, 'epoch', null))).*
     from receipt, generate_series(1, 300) n where id = 'r'`,
  )
  await db.query(
    `insert into job_run select (jsonb_populate_record(job_run, jsonb_build_object('id', 'e' || n, 'status', 'Succeeded', 'finished_at', now() - interval '1 hour', 'idempotency_key', 'e' || n))).*
     from job_run, generate_series(1, 300) n where id = 'f'`,
  )
  await db.query(`update job_run set finished_at = now() - interval '1 minute' where id = 'f'`)
  const told = (await ask(DELETE, { before: new Date(Date.now() + 60_000) }, callers.consumer)).data.deleteTexts
  expect(told.deleted).toBeGreaterThan(0)
  expect(told.kept).toHaveLength(200)
  const { rows } = await db.query(`select texts_removed_at is not null as removed from job_run where id = 'f'`)
  expect(rows).toEqual([{ removed: true }])
})

test('a request with the key of a call whose texts are gone is refused: it is not answered twice', async () => {
  const { ask, callers, db } = await tenants()
  const input = { endpointId: '1', prompt: SECRET, consumer: tenant }
  const asking = { key: 'once', requestedBy: tenant }
  const queues = { add: async () => {} }
  const { id } = await enqueue({ db, queues }, 'infer', input, asking)
  await db.query(`update job_run set status = 'Succeeded', finished_at = now() where id = $1`, [id])
  expect((await ask(DELETE, { ids: [id] }, callers.consumer)).data.deleteTexts.deleted).toBe(1)
  await expect(enqueue({ db, queues }, 'infer', input, asking)).rejects.toThrow('were removed since')
})

test('a response is deleted as OpenAI’s API deletes it', async () => {
  const { url, callers, db } = await tenants({ gateway: openGateway })
  const id = 'a7'.repeat(16)
  const result = { receiptId: 'r', answer: SECRET, tokensIn: 1, tokensOut: 1, fee: '1', finish: 'stop' }
  const input = { endpointId: '1', prompt: SECRET, maxTokens: 1, temperature: 0, topP: 1 }
  await insert(db, JobRun, {
    id,
    kind: 'infer',
    input,
    result,
    status: 'Succeeded',
    requestedBy: tenant,
    finishedAt: new Date(),
  })
  const at = `${url}/v1/responses/resp_${id}`
  const get = async (headers: Record<string, string>) => (await fetch(at, { headers })).status
  expect(await get(callers.consumer)).toBe(200)
  expect((await fetch(at, { method: 'DELETE', headers: callers.other })).status).toBe(404)
  const deleted = await fetch(at, { method: 'DELETE', headers: callers.consumer })
  expect(await deleted.json()).toEqual({ id: `resp_${id}`, object: 'response.deleted', deleted: true })
  expect(await get(callers.consumer)).toBe(404)
})
