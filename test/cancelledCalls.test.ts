import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startWorld, type World } from '#contracts/test/world.ts'
import { testApi } from '#graphql/test/api.ts'
import { callInput, createMarket, REQUEST_ANSWER } from '#graphql/test/market.ts'
import { fee } from '#rules/fee.ts'
import { countEndedJobs, deleteCancelledCalls } from '#workers/jobHistory.ts'
import { long, openHolds, servedModel, used } from './gatewaySystem.ts'
import { must } from './must.ts'

/** What whoever asks and cancels gets, pays and leaves behind. */

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

const messages = [{ role: 'user' as const, content: 'thing 1 is red' }]
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms))

test('a call that is not streamed pays what was generated when its client leaves; its receipt has it', async () => {
  const system = await servedModel(world)
  const { openai, db } = system
  const newest = async () =>
    (await db.query(`select id, status, result from job_run where kind = 'infer' order by created_at desc limit 1`))
      .rows[0]
  const request = { model: 'Clerk', messages, seed: 1, ...long(4000) }
  await openai.chat.completions.create({ ...request, seed: 2 }) // which loads the model
  const began = performance.now()
  const whole = must((await openai.chat.completions.create(request)).choices[0]).message.content
  const wholeMs = performance.now() - began
  const { tokensOut } = (await newest()).result
  const leaveAfter = async (ms: number, user: string) => {
    const abort = new AbortController()
    const [known, before] = [(await newest()).id, await used(system)]
    const call = openai.chat.completions.create({ ...request, user }, { signal: abort.signal }).catch(() => undefined)
    await vi.waitFor(async () => expect(await newest()).toMatchObject({ id: expect.not.stringMatching(known) }))
    await vi.waitFor(async () => expect((await newest()).status).not.toBe('Queued'), { timeout: 20_000, interval: 5 })
    await sleep(ms)
    abort.abort()
    await call
    return vi.waitFor(async () => {
      const job = must(await newest())
      expect(['Succeeded', 'Cancelled']).toContain(job.status)
      return { ...job, before }
    }, 20_000)
  }
  for (let round = 0; round < 3; round++) {
    // How far an answer is after some time, only the machine knows: neither before its first token nor after its last.
    let ms = wholeMs / 2
    let job = await leaveAfter(ms, `round ${round}`)
    for (let more = 1; more < 10 && job.result?.finish !== 'cancelled'; more++) {
      ms *= job.result ? 0.5 : 2
      job = await leaveAfter(ms, `round ${round}, more ${more}`)
    }
    const { id, result, before } = job
    expect(result).toMatchObject({ finish: 'cancelled' })
    expect(result.tokensOut).toBeGreaterThan(0)
    expect(result.tokensOut).toBeLessThan(tokensOut)
    expect(must(whole).startsWith(result.answer)).toBe(true)
    const { rows } = await db.query(
      `select r.answer, r.fee, h.price_in as "priceIn", h.price_out as "priceOut" from receipt r join credit_hold h on h.id = r.id where r.id = $1`,
      [id],
    )
    expect(rows).toMatchObject([{ answer: result.answer, fee: fee(rows[0], result.tokensIn, result.tokensOut) }])
    expect((await used(system)) - before).toBe(rows[0].fee)
  }
  expect(await openHolds(system)).toBe(0)
  expect(system.logged).toEqual([])
})

test('a response that is cancelled in the background is told as cancelled, before it began and with what it had', async () => {
  const system = await servedModel(world)
  const { openai, db } = system
  const ask = () =>
    openai.responses.create({
      ...{ model: 'Clerk', input: 'x', background: true, max_output_tokens: 4096 },
      text: { format: { type: 'json_schema', name: 'x', schema: long(4000).response_format.json_schema.schema } },
    })
  await openai.responses.create({ model: 'Clerk', input: 'x', max_output_tokens: 16 }) // which loads the model
  const cancelAfter = async (ms: number) => {
    const begun = await ask()
    await vi.waitFor(async () =>
      expect((await db.query(`select 1 from job_run where status = 'Running'`)).rows).toHaveLength(1),
    )
    await sleep(ms)
    await openai.responses.cancel(begun.id)
    await vi.waitFor(async () => expect(await openHolds(system)).toBe(0), 20_000)
    return openai.responses.retrieve(begun.id)
  }
  let cut = await cancelAfter(300)
  for (let ms = 600; ms < 20_000 && !cut.usage; ms *= 2) cut = await cancelAfter(ms) // a busy machine had not begun
  expect(cut).toMatchObject({ status: 'cancelled', incomplete_details: null })
  expect(must(cut.usage).output_tokens).toBeGreaterThan(0)

  await system.worker.stop()
  const paid = await used(system)
  const waiting = await ask()
  expect((await openai.responses.cancel(waiting.id)).status).toBe('cancelled')
  const none = await openai.responses.retrieve(waiting.id)
  expect(none).toMatchObject({ status: 'cancelled', output: [], usage: null })
  await openai.responses.delete(waiting.id)
  expect([await openHolds(system), await used(system)]).toEqual([0, paid])
})

test('a call that was cancelled before it began is gone soon, and is a new one under the same key', async () => {
  const api = await testApi()
  await createMarket(api)
  const ask = async () =>
    (await api.ask(REQUEST_ANSWER, { input: callInput({ endpointId: '4' }), key: 'a' })).data.infer
  const { id } = await ask()
  await api.ask('mutation ($id: ID!) { cancelJob(id: $id, idempotencyKey: "c") { status } }', { id })
  await api.db.query(`update job_run set finished_at = finished_at - interval '11 minutes'`)
  await api.db.transaction(async (sql) => {
    await countEndedJobs(sql)
    expect(await deleteCancelledCalls(sql)).toBe(false)
  })
  for (const table of ['job_run', 'credit_hold', 'key_call', 'journalled_text'])
    expect([table, (await api.db.query(`select 1 from ${table}`)).rows]).toEqual([table, []])
  expect(await ask()).toMatchObject({ id, status: 'Queued' })
})
