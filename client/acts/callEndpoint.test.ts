import { parseEther } from 'viem'
import { expect, test } from 'vitest'
import { evaluate, version } from '#contracts/test/mandate.ts'
import { ALICE, HOST, OPERATOR, STRANGER } from '#contracts/test/world.ts'
import { until } from '#indexer/test/follow.ts'
import { releaseHold } from '#schema/enqueue.ts'
import { FEE } from '#test/answeringSystem.ts'
import {
  type Client,
  callEndpoint,
  checkReceipt,
  countersignReceipt,
  deleteTexts,
  deposit,
  graphql,
  operate,
  quoteCall,
  readReceipt,
  settleUsage,
  verifyReceipt,
} from '../index.ts'
import { onAnsweringApi } from '../test/answeringApi.ts'
import { type ClientSystem, clientSystem } from '../test/clientSystem.ts'
import { resigned } from '../test/signedReceipt.ts'

/** Endpoint 1 of a host, which no worker answers. */
async function openEndpoint({ world, modelId }: Pick<ClientSystem, 'world' | 'modelId'>): Promise<void> {
  const versionId = await version(world, modelId, OPERATOR.address)
  await evaluate(world, versionId, OPERATOR.address)
  await world.send(STRANGER, 'ModelRegistry', 'promote', [versionId])
  await world.send(HOST, 'InferenceMarket', 'registerEndpoint', [versionId, 'https://x.example', 1000n, 2000n])
}

test('calls of one account at the same time are all reserved, under a voucher that covers them and no more', async () => {
  const system = await clientSystem()
  const { as } = system
  await openEndpoint(system)
  const over = new AbortController()
  const alice = await as(4, { signal: over.signal })
  await deposit(alice, { endpointId: 1n, amount: parseEther('1') })
  const calls = Array.from({ length: 8 }, (_, nth) =>
    callEndpoint(alice, { endpointId: 1n, prompt: 'Where is my parcel?', maxTokens: 10, key: `call ${nth}` }),
  )
  const ended = Promise.allSettled(calls)
  const PROMISES = graphql(`{
    creditHolds(where: { open: { eq: true } }, first: 100) { nodes { maximum } }
    signedVouchers(first: 100) { nodes { ceiling } } }`)
  const reader = await as()
  const promised = () => reader.ask(PROMISES, {})
  await Promise.race([
    until('all calls are reserved', async () => (await promised()).creditHolds.nodes.length === calls.length),
    Promise.all(calls), // no worker answers: only a refusal ends a call
  ])
  const { creditHolds, signedVouchers } = await promised()
  const held = creditHolds.nodes.reduce((sum, { maximum }) => sum + BigInt(maximum ?? 0), 0n)
  expect(signedVouchers.nodes).toEqual([{ ceiling: held.toString() }])
  over.abort(new Error('The test is over.'))
  expect((await ended).map((one) => one.status === 'rejected' && one.reason.message)).toEqual(
    calls.map(() => 'The test is over.'),
  )
})

test('a call that failed is a new one when it is asked again, unless it is being tried again: then it is that one, and paid once', async () => {
  const system = await clientSystem()
  await openEndpoint(system)
  const over = new AbortController()
  let asked = 0
  const alice = await system.as(4, {
    signal: over.signal,
    onProgress: ({ step }) => void (step === 'asking' && asked++),
  })
  await deposit(alice, { endpointId: 1n, amount: parseEther('1') })
  const CALLS = graphql(`{ jobs(where: { kind: { eq: "infer" } }, first: 100) { nodes { id status } } }`)
  const CANCEL = graphql('mutation ($id: ID!) { cancelJob(id: $id, idempotencyKey: "cancel") { id } }')
  const RETRY = graphql('mutation ($id: ID!) { retryJob(id: $id, idempotencyKey: "again") { id } }')
  const reader: Client = await system.as()
  const calls = async (status: string) =>
    (await reader.ask(CALLS, {})).jobs.nodes.filter((job) => job.status === status).map(({ id }) => id)
  const ask = () => callEndpoint(alice, { endpointId: 1n, prompt: 'Where is my parcel?', maxTokens: 10 })
  const cancel = (id: string) => reader.ask(CANCEL, { id })
  const fail = async (id: string) => {
    await system.db.query(`update job_run set status = 'Failed', finished_at = now() where id = $1`, [id])
    await releaseHold(system.db, id)
  }
  /** Asks, and ends what waits to be answered. */
  const askInVain = async (end: (id: string) => Promise<unknown>) => {
    const before = asked
    const ended = expect(ask()).rejects.toThrow(/infer (Cancelled|Failed)/)
    await until('the call waits', async () => asked > before && (await calls('Queued')).length === 1)
    const [id = ''] = await calls('Queued')
    await end(id)
    await ended
    return id
  }
  const first = await askInVain(cancel)
  const second = await askInVain(fail)
  expect(second).not.toBe(first)
  await reader.ask(RETRY, { id: second })
  expect(await askInVain(cancel)).toBe(second)
  expect((await calls('Cancelled')).sort()).toEqual([first, second].sort())
  over.abort()
})

test('a call is answered and paid once; its receipt can be verified; what is owed for it is redeemed when the host says so', async () => {
  await onAnsweringApi(async ({ as, answered }) => {
    const client = await as({ account: ALICE })
    await deposit(client, { endpointId: 1n, amount: 1_000n })
    const question = { endpointId: 1n, prompt: 'Where is it?', maxTokens: 4, key: 'one' }
    const { answer, receipt } = await callEndpoint(client, question)
    expect(answer).toBe('Where is it? 1')
    expect(await callEndpoint(client, question)).toEqual({ answer, receipt })
    expect(answered).toHaveLength(1)
    const right = { valid: true, problems: [], signer: OPERATOR.address }
    const checked = ['hash', 'texts', 'total']
    expect(await checkReceipt(receipt)).toEqual({ ...right, checked })
    expect(await verifyReceipt(client, receipt)).toEqual({ ...right, checked: [...checked, 'host'] })
    await countersignReceipt(client, receipt)
    const countersigned = await readReceipt(client, receipt.id)
    expect((await verifyReceipt(client, countersigned)).checked).toContain('countersignature')
    expect(await verifyReceipt(client, { ...receipt, market: ALICE.address })).toMatchObject({
      valid: false,
      problems: expect.arrayContaining([expect.stringMatching(/signed for the market .* on chain/)]),
    })
    expect((await verifyReceipt(client, await resigned(receipt, STRANGER))).problems).toEqual([
      expect.stringMatching(/and not the host of endpoint 1/),
    ])

    const [before] = await client.read('InferenceMarket', 'channels', [receipt.channelId as `0x${string}`])
    await settleUsage(client, 'redeem')
    const [after] = await client.read('InferenceMarket', 'channels', [receipt.channelId as `0x${string}`])
    expect(before - after).toBe(FEE)
    const settle = () => operate<'settleEpoch', { epoch: number }>(client, 'settleEpoch', { epoch: 1 }, 'settle 1')
    const settled = await settle()
    expect(settled).toMatchObject({ epoch: 1 })
    expect(await settle()).toEqual(settled) // the same key: the same job
  })
})

test('a call costs no more than its quote; its receipt is read again, and outlasts its texts', async () => {
  await onAnsweringApi(async ({ as }) => {
    const client = await as({ account: ALICE })
    const question = { endpointId: 1n, prompt: 'Where is it?', maxTokens: 4 }
    expect((await quoteCall(client, question)).channel).toMatchObject({ balance: 0n, redeemed: 0n })
    await deposit(client, { endpointId: 1n, amount: 1_000n })
    const { channel, maximum } = await quoteCall(client, question)
    expect(channel.balance).toBe(1_000n)
    const more = await quoteCall(client, { ...question, maxTokens: 8 })
    expect(more.maximum - maximum).toBe(4n) // each token costs 1 wei
    const { receipt } = await callEndpoint(client, question)
    expect(BigInt(receipt.fee ?? 0)).toBe(FEE)
    expect(maximum).toBeGreaterThanOrEqual(FEE)
    expect(await readReceipt(client, receipt.id)).toEqual(receipt)

    await expect(deleteTexts(client, { ids: ['99'] })).rejects.toThrow(/You have no call 99/)
    expect(await deleteTexts(client, { ids: [receipt.id] })).toEqual({ deleted: 1, kept: [] })
    const { fee, hash } = receipt
    const kept = await readReceipt(client, receipt.id)
    expect(kept).toMatchObject({ prompt: '', answer: '', fee, hash })
    expect(await verifyReceipt(client, kept)).toMatchObject({ valid: true, checked: ['hash', 'total', 'host'] })
    const { prompt, answer } = receipt
    expect((await verifyReceipt(client, { ...kept, prompt, answer })).checked).toContain('texts')
    expect(await deleteTexts(client, { before: new Date(Date.now() + 60_000) })).toEqual({ deleted: 0, kept: [] })
  })
})
