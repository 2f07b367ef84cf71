import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { ApiKey } from '#schema/offchain/access.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { account, insert } from '#test/factory.ts'
import { testApi } from '../test/api.ts'
import {
  callInput,
  codeOf,
  createMarket,
  MAXIMUM,
  me,
  openChannel,
  PROMPT,
  REQUEST_ANSWER,
  REQUEST_TRAINING,
  stranger,
  submit,
} from '../test/market.ts'

test('with keys, everybody can read, consumers request calls for themselves, operators start jobs', async () => {
  const api = await testApi({ auth: 'keys' })
  await createMarket(api)
  const key = async (name: string, role: ApiKey['role'], holder: string, revokedAt: Date | null = null) => {
    await insert(api.db, ApiKey, {
      id: createHash('sha256').update(name).digest('hex'),
      role,
      account: holder,
      revokedAt,
    })
    return { authorization: `Bearer ${name}` }
  }
  const operator = await key('operator-key', 'Operator', account(1))
  const customer = await key('consumer-key', 'Consumer', me)
  const other = await key('another-key', 'Consumer', account(3))
  const revoked = await key('revoked-key', 'Operator', account(4), new Date())

  expect((await api.ask('{ models { totalCount } }')).data).toEqual({ models: { totalCount: 1 } })
  for (const headers of [revoked, { authorization: 'Bearer unknown-key' }, { authorization: 'Basic abc' }]) {
    const { status, errors } = await api.ask('{ models { totalCount } }', {}, headers)
    expect({ status, code: errors?.[0]?.extensions.code }).toEqual({ status: 401, code: 'UNAUTHENTICATED' })
  }
  const tune = (headers?: Record<string, string>) =>
    api.ask(REQUEST_TRAINING, { input: { modelId: '1', datanetId: '1' }, key: 'k' }, headers)
  expect(await codeOf(tune())).toBe('UNAUTHENTICATED')
  expect(await codeOf(tune(customer))).toBe('FORBIDDEN')
  const job = (await tune(operator)).data.fineTune
  expect(job.requestedBy).toBe(account(1))

  await openChannel(api, 10n * MAXIMUM)
  await submit(api, { ceiling: 10n * MAXIMUM })
  const infer = (headers?: Record<string, string>) => api.ask(REQUEST_ANSWER, { input: callInput(), key: 'k' }, headers)
  expect(await codeOf(infer())).toBe('UNAUTHENTICATED')
  expect(await codeOf(infer(other))).toBe('FORBIDDEN')
  const asked = (await infer(customer)).data.infer
  const theirs = await openChannel(api, 10n * MAXIMUM, { payer: stranger })
  await submit(api, { channel: theirs, ceiling: 10n * MAXIMUM, signer: stranger })
  const spend = { input: callInput({ channelId: theirs }), key: 'theirs' }
  expect(await codeOf(api.ask(REQUEST_ANSWER, spend, customer))).toBe('OTHER_CHANNEL')
  expect((await infer(operator)).data.infer.id).not.toBe(asked.id) // an idempotency key identifies a request of one account only

  const cancel = (id: string, headers?: Record<string, string>) =>
    api.ask('mutation ($id: ID!) { cancelJob(id: $id, idempotencyKey: "c") { status } }', { id }, headers)
  expect(await codeOf(cancel(asked.id))).toBe('UNAUTHENTICATED')
  expect(await codeOf(cancel(asked.id, other))).toBe('FORBIDDEN')
  expect((await cancel(asked.id, customer)).data.cancelJob.status).toBe('Cancelled')
  expect(await codeOf(cancel(job.id, customer))).toBe('FORBIDDEN')
  await insert(api.db, Receipt, { id: 'r', jobId: asked.id, consumer: me, prompt: PROMPT, answer: 'Friday', fee: 7n })
  const read = async (headers?: Record<string, string>) =>
    (
      await api.ask(
        `{ job(id: "${asked.id}") { status input } receipts { nodes { fee answer prompt } } jobs(where: { kind: { eq: "fineTune" } }) { nodes { input } } }`,
        {},
        headers,
      )
    ).data
  const known = {
    job: { input: { endpointId: '1' } }, // whose prompt went with its cancellation
    receipts: { nodes: [{ fee: '7', answer: 'Friday', prompt: PROMPT }] },
  }
  const hidden = {
    job: { status: 'Cancelled', input: null },
    receipts: { nodes: [{ fee: null, answer: null, prompt: null }] },
  }
  expect(await read(customer)).toMatchObject(known)
  expect(await read(operator)).toMatchObject(known)
  for (const nosy of [await read(), await read(other)]) {
    expect(nosy).toMatchObject(hidden)
    expect(nosy.jobs.nodes).toEqual([{ input: expect.objectContaining({ modelId: '1' }) }])
  }
  const receipt = async () => (await api.ask('{ receipts { nodes { answer prompt } } }', {}, other)).data.receipts.nodes
  expect(await receipt()).toEqual([{ answer: null, prompt: null }])
  await api.db.query('update receipt set is_open = true')
  expect(await receipt()).toEqual([{ answer: 'Friday', prompt: PROMPT }]) // its consumer lets everybody read it
  expect(await codeOf(api.ask('{ receipts(where: { prompt: { contains: "day" } }) { totalCount } }'))).toBe(
    'GRAPHQL_VALIDATION_FAILED',
  )
  const upload = (headers?: Record<string, string>) =>
    api.ask('mutation { uploadArtifact(content: "x", kind: "document", idempotencyKey: "k") { id } }', {}, headers)
  expect(await codeOf(upload())).toBe('UNAUTHENTICATED')
  expect((await upload(customer)).errors).toBeUndefined()
})
