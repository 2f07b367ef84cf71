import { createHash } from 'node:crypto'
import { privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { voucherData } from '#rules/signing.ts'
import { jobKinds } from '#schema/jobs.ts'
import { ApiKey, SignedVoucher } from '#schema/offchain/access.ts'
import { CreditHold, Receipt } from '#schema/offchain/attribution.ts'
import { Datanet } from '#schema/onchain/datanets.ts'
import { Credit, Endpoint, Voucher } from '#schema/onchain/market.ts'
import { Model, ModelVersion } from '#schema/onchain/models.ts'
import { openQueues } from '#schema/queue.ts'
import { account, blockTime, insert, insertAll, insertChain, TEST_CHAIN_ID } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { maxPromptTokens } from './commands/credit.ts'
import { apiSchema } from './schema.ts'
import { MARKET, type TestApi, testApi } from './test/api.ts'

const consumer = privateKeyToAccount(`0x${'11'.repeat(32)}`)
const stranger = privateKeyToAccount(`0x${'22'.repeat(32)}`)
const me = consumer.address.toLowerCase()

const FINE_TUNE =
  'mutation ($input: FineTuneInput!, $key: String!) { fineTune(input: $input, idempotencyKey: $key) { id kind status input requestedBy parent { id } } }'
const INFER =
  'mutation ($input: InferInput!, $key: String!) { infer(input: $input, idempotencyKey: $key) { id status input } }'

async function market({ db }: TestApi) {
  await insertChain(db, 10)
  await insert(db, Model, { id: '1' })
  await insert(db, Datanet, { id: '1', modelId: '1' })
  await insertAll(db, ModelVersion, [
    { id: '1', modelId: '1', status: 'Promoted' },
    { id: '2', modelId: '1', status: 'RolledBack', rollbackReason: 'worse' },
    { id: '3', modelId: '1', status: 'Registered' },
  ])
  await insertAll(
    db,
    Endpoint,
    ['1', '2', '3'].map((id) => ({ id, versionId: id, priceIn: 1000n, priceOut: 2000n })),
  )
}

const codeOf = async (answer: ReturnType<TestApi['ask']>) => (await answer).errors?.[0]?.extensions.code
const jobCount = async ({ db }: TestApi) => (await db.query('select count(*) as count from job_run')).rows[0].count

test('every job of the job table is a mutation that takes an idempotency key', () => {
  const mutations = must(apiSchema().getMutationType()).getFields()
  for (const kind of jobKinds)
    expect(must(mutations[kind], kind).args.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      expect.stringMatching(/^input: \w+Input!$/),
      'idempotencyKey: String!',
    ])
  for (const field of Object.values(mutations)) expect(field.args.map(({ name }) => name)).toContain('idempotencyKey')
})

test('a mutation returns its job; the same key returns the same job, with another input it is refused', async () => {
  const api = await testApi()
  await market(api)
  const input = { modelId: '1', datanetId: '1', epochs: 2 }
  const first = await api.ask(FINE_TUNE, { input, key: 'k1' })
  expect(first.errors).toBeUndefined()
  expect(first.data.fineTune).toMatchObject({
    kind: 'fineTune',
    status: 'Queued',
    requestedBy: null,
    parent: null,
    input: { ...input, rank: 8, seed: 1 },
  })
  expect((await api.ask(FINE_TUNE, { input, key: 'k1' })).data).toEqual(first.data)
  expect(await codeOf(api.ask(FINE_TUNE, { input: { ...input, epochs: 3 }, key: 'k1' }))).toBe('IDEMPOTENCY_KEY_REUSED')
  expect(await codeOf(api.ask(FINE_TUNE, { input, key: '' }))).toBe('BAD_IDEMPOTENCY_KEY')
  const both = await Promise.all([1, 2, 3].map(() => api.ask(FINE_TUNE, { input, key: 'k2' })))
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
  await market(api)
  const refuse = async (input: object) => (await api.ask(FINE_TUNE, { input, key: 'k' })).errors?.[0]
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
  await market(api)
  const { data } = await api.ask(FINE_TUNE, { input: { modelId: '1', datanetId: '1' }, key: 'k' })
  const cancel = (id: string) =>
    api.ask('mutation ($id: ID!) { cancelJob(id: $id, idempotencyKey: "c") { id status cancelRequested } }', { id })
  const cancelled = { cancelJob: { id: data.fineTune.id, status: 'Cancelled', cancelRequested: true } }
  expect((await cancel(data.fineTune.id)).data).toEqual(cancelled)
  expect((await cancel(data.fineTune.id)).data).toEqual(cancelled)
  expect(await codeOf(cancel('nothing'))).toBe('JOB_NOT_FOUND')
})

const sign = (
  voucher: { endpointId: bigint; cumulative: bigint; deadline: bigint },
  { chainId = TEST_CHAIN_ID, market: contract = MARKET, signer = consumer } = {},
) =>
  signer.signTypedData(
    voucherData({ chainId, contract: contract as `0x${string}` }, { consumer: consumer.address, ...voucher }),
  )

const SUBMIT = `mutation ($endpointId: ID!, $consumer: String!, $cumulative: BigInt!, $deadline: BigInt!, $signature: String!) {
  submitVoucher(endpointId: $endpointId, consumer: $consumer, cumulative: $cumulative, deadline: $deadline, signature: $signature, idempotencyKey: "k") {
    id consumer cumulative used endpoint { id } } }`

const DEADLINE = BigInt(blockTime(1000).getTime() / 1000)

async function submit(
  api: TestApi,
  {
    endpoint = 1n,
    cumulative = 100n,
    deadline = DEADLINE,
    ...how
  }: {
    endpoint?: bigint
    cumulative?: bigint
    deadline?: bigint
    signature?: string
    chainId?: number
    market?: string
    signer?: typeof consumer
  } = {},
) {
  const signature = how.signature ?? (await sign({ endpointId: endpoint, cumulative, deadline }, how))
  return api.ask(SUBMIT, {
    endpointId: String(endpoint),
    consumer: consumer.address,
    cumulative: String(cumulative),
    deadline: String(deadline),
    signature,
  })
}

test('a voucher is accepted when its consumer signed it for this chain and this market, and its sum only grows', async () => {
  const api = await testApi()
  await market(api)
  const good = await submit(api)
  expect(good.errors).toBeUndefined()
  expect(good.data.submitVoucher).toEqual({
    id: `1-${me}`,
    consumer: me,
    cumulative: '100',
    used: '0',
    endpoint: { id: '1' },
  })
  expect((await submit(api)).data).toEqual(good.data)
  expect((await submit(api, { cumulative: 250n })).data.submitVoucher.cumulative).toBe('250')
  expect(await codeOf(submit(api))).toBe('VOUCHER_SUPERSEDED')
  expect(await codeOf(submit(api, { cumulative: 250n, deadline: DEADLINE + 1n }))).toBe('VOUCHER_SUPERSEDED')
  const stored = await api.db.query('select cumulative, signature from signed_voucher')
  expect(stored.rows).toEqual([
    { cumulative: 250n, signature: await sign({ endpointId: 1n, cumulative: 250n, deadline: DEADLINE }) },
  ])
})

test('a voucher that is forged, replayed elsewhere, expired or malformed is refused with its reason', async () => {
  const api = await testApi()
  await market(api)
  expect(await codeOf(submit(api, { signer: stranger }))).toBe('WRONG_SIGNER')
  expect(await codeOf(submit(api, { chainId: 1 }))).toBe('WRONG_CHAIN')
  expect(await codeOf(submit(api, { chainId: 987654 }))).toBe('WRONG_SIGNER')
  expect(await codeOf(submit(api, { market: account(0xbb) }))).toBe('WRONG_SIGNER')
  const other = await sign({ endpointId: 2n, cumulative: 100n, deadline: DEADLINE })
  expect(await codeOf(submit(api, { signature: other }))).toBe('WRONG_SIGNER')
  expect(await codeOf(submit(api, { signature: '0x1234' }))).toBe('BAD_SIGNATURE')
  expect(await codeOf(submit(api, { signature: `0x${'00'.repeat(65)}` }))).toBe('WRONG_SIGNER')
  expect(await codeOf(submit(api, { deadline: BigInt(blockTime(9).getTime() / 1000) }))).toBe('VOUCHER_EXPIRED')
  expect(await codeOf(submit(api, { endpoint: 99n }))).toBe('UNKNOWN_ENDPOINT')
  expect(await codeOf(submit(api, { cumulative: 0n, signature: other }))).toBe('BAD_INPUT')
  expect(await codeOf(submit(api, { deadline: 2n ** 64n, signature: other }))).toBe('BAD_INPUT')
  await insert(api.db, Voucher, { id: `1-${me}`, endpointId: '1', consumer: me, cumulative: 500n })
  expect(await codeOf(submit(api, { cumulative: 500n }))).toBe('VOUCHER_SUPERSEDED')
  expect((await api.db.query('select 1 from signed_voucher')).rowCount).toBe(0)
})

const PROMPT = 'What day is it?'
const call = (more: object = {}) => ({
  endpointId: '1',
  prompt: PROMPT,
  maxTokens: 10,
  consumer: consumer.address,
  ...more,
})
/** Prices are 1 wei a token in, 2 a token out. */
const MAXIMUM = BigInt(maxPromptTokens(PROMPT)) + 20n

test('a call reserves its maximum cost within voucher and credit, once', async () => {
  const api = await testApi()
  await market(api)
  await insert(api.db, Credit, { id: me, balance: MAXIMUM * 2n })
  await submit(api, { cumulative: MAXIMUM * 2n })
  const first = await api.ask(INFER, { input: call(), key: 'a' })
  expect(first.errors).toBeUndefined()
  expect((await api.ask(INFER, { input: call(), key: 'a' })).data).toEqual(first.data)
  const { rows } = await api.db.query('select id, consumer, maximum, price_in, price_out, open from credit_hold')
  expect(rows).toEqual([
    { id: first.data.infer.id, consumer: me, maximum: MAXIMUM, price_in: 1000n, price_out: 2000n, open: true },
  ])
  // There is room for two calls; of four at the same time, the other two are refused and write nothing.
  const rush = await Promise.all([1, 2, 3, 4].map((n) => api.ask(INFER, { input: call(), key: `rush ${n}` })))
  expect(rush.map(({ errors }) => errors?.[0]?.extensions.code ?? 'ok').sort()).toEqual([
    'VOUCHER_TOO_SMALL',
    'VOUCHER_TOO_SMALL',
    'VOUCHER_TOO_SMALL',
    'ok',
  ])
  expect(await jobCount(api)).toBe(2)
  expect((await api.db.query('select 1 from credit_hold')).rowCount).toBe(2)
})

test('a call that is tried again reserves its credit again, or is refused; a key whose job was deleted is not charged twice', async () => {
  const api = await testApi()
  await market(api)
  await insert(api.db, Credit, { id: me, balance: MAXIMUM })
  await submit(api, { cumulative: MAXIMUM })
  const { id } = (await api.ask(INFER, { input: call(), key: 'a' })).data.infer
  const retry = () => api.ask('mutation ($id: ID!) { retryJob(id: $id, idempotencyKey: "r") { status } }', { id })
  const holds = async () => (await api.db.query('select id, open, fee from credit_hold order by open')).rows
  await api.ask('mutation ($id: ID!) { cancelJob(id: $id, idempotencyKey: "c") { id } }', { id })
  expect(await holds()).toEqual([{ id, open: false, fee: 0n }])
  expect((await retry()).data.retryJob).toEqual({ status: 'Queued' })
  expect(await holds()).toEqual([{ id, open: true, fee: null }])

  await api.ask('mutation ($id: ID!) { cancelJob(id: $id, idempotencyKey: "c") { id } }', { id })
  await api.ask(INFER, { input: call(), key: 'b' })
  expect(await codeOf(retry())).toBe('VOUCHER_TOO_SMALL')
  expect((await api.db.query('select status from job_run where id = $1', [id])).rows).toEqual([{ status: 'Cancelled' }])

  await api.db.query(`delete from credit_hold where id <> $1`, [id])
  await api.db.query('delete from job_run')
  expect(await codeOf(api.ask(INFER, { input: call(), key: 'a' }))).toBe('IDEMPOTENCY_KEY_REUSED')
  expect(await holds()).toEqual([{ id, open: false, fee: 0n }])
})

test('a call is refused without a serving endpoint, a voucher, or credit; the message gives the missing amount', async () => {
  const api = await testApi()
  await market(api)
  const refuse = async (more: object = {}) =>
    (await api.ask(INFER, { input: call(more), key: JSON.stringify(more) })).errors?.[0]
  expect((await refuse({ endpointId: '9' }))?.extensions.code).toBe('UNKNOWN_ENDPOINT')
  expect(await refuse({ endpointId: '2' })).toMatchObject({
    extensions: { code: 'VERSION_ROLLED_BACK' },
    message: expect.stringContaining('worse'),
  })
  expect((await refuse({ endpointId: '3' }))?.extensions.code).toBe('VERSION_NOT_PROMOTED')
  expect((await refuse({ consumer: `0x${'g'.repeat(40)}` }))?.extensions.code).toBe('BAD_INPUT')
  expect((await refuse({ maxTokens: 100_000 }))?.extensions.code).toBe('BAD_INPUT')
  expect((await refuse())?.extensions.code).toBe('NO_VOUCHER')
  await submit(api, { cumulative: MAXIMUM - 1n })
  expect(await refuse()).toMatchObject({
    extensions: { code: 'VOUCHER_TOO_SMALL' },
    message: expect.stringContaining(`at least ${MAXIMUM}`),
  })
  await submit(api, { cumulative: 10n * MAXIMUM })
  expect(await refuse()).toMatchObject({
    extensions: { code: 'NOT_ENOUGH_CREDIT' },
    message: expect.stringContaining(`Deposit at least ${MAXIMUM} wei`),
  })

  // Credit with a pending withdrawal, unredeemed fees or another reservation is not free.
  await insert(api.db, Credit, { id: me, balance: 4n * MAXIMUM, withdrawing: MAXIMUM })
  await insert(api.db, SignedVoucher, {
    id: `2-${me}`,
    endpointId: '2',
    consumer: me,
    cumulative: 9n * MAXIMUM,
    used: 3n * MAXIMUM,
  })
  await insert(api.db, Voucher, { id: `2-${me}`, endpointId: '2', consumer: me, cumulative: 2n * MAXIMUM })
  await insert(api.db, CreditHold, { id: 'other', consumer: me, endpointId: '2', maximum: MAXIMUM, open: true })
  expect((await api.ask(INFER, { input: call(), key: 'fits' })).errors).toBeUndefined()
  expect(await refuse()).toMatchObject({ message: expect.stringContaining(`has 0 free`) })
  await api.db.query(`update credit_hold set open = false where id = 'other'`)
  expect((await api.ask(INFER, { input: call(), key: 'released' })).errors).toBeUndefined()

  await api.db.query('update signed_voucher set deadline = 5')
  expect((await refuse())?.extensions.code).toBe('VOUCHER_EXPIRED')
  expect(await jobCount(api)).toBe(2)
})

test('texts are stored under their hash; invalid JSON is refused where JSON is required', async () => {
  const api = await testApi()
  await insertChain(api.db, 5)
  const upload = (content: string, kind: string) =>
    api.ask(
      'mutation ($content: String!, $kind: String!) { uploadArtifact(content: $content, kind: $kind, idempotencyKey: "k") { id kind mediaType size text json } }',
      { content, kind },
    )
  const stored = await upload('{"prompt":"é"}', 'sample')
  expect(stored.data.uploadArtifact).toMatchObject({
    kind: 'sample',
    mediaType: 'application/json',
    size: '15',
    json: { prompt: 'é' },
  })
  expect((await upload('{"prompt":"é"}', 'sample')).data).toEqual(stored.data)
  expect((await upload('just words', 'document')).data.uploadArtifact).toMatchObject({ text: 'just words', json: null })
  expect(await codeOf(upload('just words', 'sample'))).toBe('NOT_JSON')
  expect(await codeOf(upload('42', 'sample'))).toBe('NOT_JSON')
  expect(await codeOf(upload('{}', 'adapter'))).toBe('BAD_INPUT')
  expect(await codeOf(upload('', 'document'))).toBe('ARTIFACT_TOO_LARGE')
  expect(await codeOf(upload('é'.repeat(500_001), 'document'))).toBe('ARTIFACT_TOO_LARGE')
  expect((await upload('"'.repeat(1_000_000), 'document')).data.uploadArtifact.size).toBe('1000000')
})

test('with keys, everybody can read, consumers request calls for themselves, operators start jobs', async () => {
  const api = await testApi({ auth: 'keys' })
  await market(api)
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
    api.ask(FINE_TUNE, { input: { modelId: '1', datanetId: '1' }, key: 'k' }, headers)
  expect(await codeOf(tune())).toBe('UNAUTHENTICATED')
  expect(await codeOf(tune(customer))).toBe('FORBIDDEN')
  const job = (await tune(operator)).data.fineTune
  expect(job.requestedBy).toBe(account(1))

  await insert(api.db, Credit, { id: me, balance: 10n * MAXIMUM })
  await submit(api, { cumulative: 10n * MAXIMUM })
  const infer = (headers?: Record<string, string>) => api.ask(INFER, { input: call(), key: 'k' }, headers)
  expect(await codeOf(infer())).toBe('UNAUTHENTICATED')
  expect(await codeOf(infer(other))).toBe('FORBIDDEN')
  const asked = (await infer(customer)).data.infer
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
    job: { input: { prompt: PROMPT } },
    receipts: { nodes: [{ fee: '7', answer: 'Friday', prompt: PROMPT }] },
  }
  const hidden = {
    job: { status: 'Cancelled', input: null },
    receipts: { nodes: [{ fee: '7', answer: null, prompt: null }] },
  }
  expect(await read(customer)).toMatchObject(known)
  expect(await read(operator)).toMatchObject(known)
  for (const nosy of [await read(), await read(other)]) {
    expect(nosy).toMatchObject(hidden)
    expect(nosy.jobs.nodes).toEqual([{ input: expect.objectContaining({ modelId: '1' }) }])
  }
  expect(await codeOf(api.ask('{ receipts(where: { prompt: { contains: "day" } }) { totalCount } }'))).toBe(
    'GRAPHQL_VALIDATION_FAILED',
  )
  const upload = (headers?: Record<string, string>) =>
    api.ask('mutation { uploadArtifact(content: "x", kind: "document", idempotencyKey: "k") { id } }', {}, headers)
  expect(await codeOf(upload())).toBe('UNAUTHENTICATED')
  expect((await upload(customer)).errors).toBeUndefined()
})
