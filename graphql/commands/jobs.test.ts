import { expect, test } from 'vitest'
import { hasFields } from '#schema/inputs.ts'
import { jobKinds, jobs } from '#schema/jobs.ts'
import { openQueues } from '#schema/queue.ts'
import { must } from '#test/must.ts'
import { apiSchema } from '../schema.ts'
import { testApi } from '../test/api.ts'
import { codeOf, createMarket, jobCount, REQUEST_TRAINING } from '../test/market.ts'

test('every job of the job table is a mutation that takes an idempotency key', () => {
  const mutations = must(apiSchema().getMutationType()).getFields()
  for (const kind of jobKinds)
    expect(must(mutations[kind], kind).args.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      ...(hasFields(jobs[kind].input) ? [expect.stringMatching(/^input: \w+Input!$/)] : []),
      'idempotencyKey: String!',
    ])
  for (const field of Object.values(mutations)) expect(field.args.map(({ name }) => name)).toContain('idempotencyKey')
})

test('a mutation returns its job; the same key returns the same job, with another input it is refused', async () => {
  const api = await testApi()
  await createMarket(api)
  const input = { modelId: '1', datanetId: '1', epochs: 2 }
  const first = await api.ask(REQUEST_TRAINING, { input, key: 'k1' })
  expect(first.errors).toBeUndefined()
  expect(first.data.fineTune).toMatchObject({
    kind: 'fineTune',
    status: 'Queued',
    requestedBy: null,
    parent: null,
    input: { ...input, rank: 8, seed: 1 },
  })
  expect((await api.ask(REQUEST_TRAINING, { input, key: 'k1' })).data).toEqual(first.data)
  expect(await codeOf(api.ask(REQUEST_TRAINING, { input: { ...input, epochs: 3 }, key: 'k1' }))).toBe(
    'IDEMPOTENCY_KEY_REUSED',
  )
  expect(await codeOf(api.ask(REQUEST_TRAINING, { input, key: '' }))).toBe('BAD_IDEMPOTENCY_KEY')
  const both = await Promise.all([1, 2, 3].map(() => api.ask(REQUEST_TRAINING, { input, key: 'k2' })))
  expect(new Set(both.map(({ data }) => data.fineTune.id)).size).toBe(1)
  expect(await jobCount(api)).toBe(2)

  const queues = await openQueues({ databaseUrl: api.db.url })
  const received = await new Promise<string>(
    (resolve) => void queues.worker('training', 1, async ({ id }) => resolve(id)),
  )
  expect([first.data.fineTune.id, must(both[0]).data.fineTune.id]).toContain(received)
  await queues.close()
})

test('input that is out of bounds, or names a missing entity, is refused and nothing is written', async () => {
  const api = await testApi()
  await createMarket(api)
  const refuse = async (input: object) => (await api.ask(REQUEST_TRAINING, { input, key: 'k' })).errors?.[0]
  expect(await refuse({ modelId: '9', datanetId: '1' })).toMatchObject({
    extensions: { code: 'UNKNOWN_MODEL' },
    message: expect.stringContaining('modelId'),
  })
  expect((await refuse({ modelId: '1', datanetId: '9' }))?.extensions.code).toBe('UNKNOWN_DATANET')
  expect((await refuse({ modelId: '1', datanetId: '1', parentVersionId: '9' }))?.extensions.code).toBe(
    'UNKNOWN_MODEL_VERSION',
  )
  expect(await refuse({ modelId: '1', datanetId: '1', rank: 0 })).toMatchObject({
    extensions: { code: 'BAD_INPUT' },
    message: expect.stringContaining('rank must be a whole number from 1 to 256'),
  })
  expect((await refuse({ modelId: '1' }))?.extensions.code).toBe('BAD_USER_INPUT')
  expect((await refuse({ modelId: `1'; --`, datanetId: '1' }))?.extensions.code).toBe('UNKNOWN_MODEL')
  const receipt = 'mutation { attribute(input: { receiptId: "r" }, idempotencyKey: "k") { id } }'
  expect(await codeOf(api.ask(receipt))).toBe('UNKNOWN_RECEIPT')
  expect(await jobCount(api)).toBe(0)
})

test('a queued job is cancelled at once, cancelling twice has the same effect, and an unknown job is an error', async () => {
  const api = await testApi()
  await createMarket(api)
  const { data } = await api.ask(REQUEST_TRAINING, { input: { modelId: '1', datanetId: '1' }, key: 'k' })
  const cancel = (id: string) =>
    api.ask('mutation ($id: ID!) { cancelJob(id: $id, idempotencyKey: "c") { id status cancelRequested } }', { id })
  const cancelled = { cancelJob: { id: data.fineTune.id, status: 'Cancelled', cancelRequested: true } }
  expect((await cancel(data.fineTune.id)).data).toEqual(cancelled)
  expect((await cancel(data.fineTune.id)).data).toEqual(cancelled)
  expect(await codeOf(cancel('nothing'))).toBe('JOB_NOT_FOUND')
})
