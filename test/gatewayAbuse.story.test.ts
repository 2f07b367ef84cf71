import { connect } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { startWorld, type World } from '#contracts/test/world.ts'
import type { ErrorBody } from '#gateway/errors.ts'
import { hashKey } from '#graphql/access.ts'
import { MAX_LIVE_CALLS } from '#graphql/commands/liveCalls.ts'
import { jobCount, me, stranger, waitingCalls } from '#graphql/test/market.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import { insertAll } from './factory.ts'
import { long, openHolds, refusal, servedModel, used } from './gatewaySystem.ts'
import { must } from './must.ts'

/** What strangers, careless clients and many callers do to the OpenAI-compatible routes. */

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

const messages = [{ role: 'user' as const, content: 'thing 1 is red' }]

test('with keys, a caller pays for itself alone, and reads its own responses alone', async () => {
  const system = await servedModel(world, { auth: 'keys' })
  const key = (name: string) => `${name}-key-${'0'.repeat(20)}`
  await insertAll(system.db, ApiKey, [
    { id: hashKey(key('mine')), account: me, role: 'Consumer' },
    { id: hashKey(key('other')), account: stranger.address.toLowerCase(), role: 'Consumer' },
    { id: hashKey(key('revoked')), account: me, role: 'Consumer', revokedAt: new Date(0) },
  ])
  const bearing = (name: string, headers: Record<string, string> = {}) =>
    system.client({ authorization: `Bearer ${key(name)}`, ...headers })
  const chat = (client: ReturnType<typeof bearing>) =>
    client.chat.completions.create({ model: 'Clerk', messages, max_tokens: 8 })
  for (const name of ['unknown', 'revoked'])
    expect(await refusal(chat(bearing(name)))).toMatchObject({ status: 401, code: 'invalid_api_key' })
  const nobody = await fetch(`${system.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'Clerk', messages }),
  })
  const page = await fetch(`${system.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key('mine')}`, 'content-type': 'text/plain' },
    body: JSON.stringify({ model: 'Clerk', messages }),
  })
  expect(page.status).toBe(415)
  expect([nobody.status, ((await nobody.json()) as ErrorBody).error.code]).toEqual([402, 'payment_required'])
  expect(await refusal(chat(bearing('other')))).toMatchObject({ status: 402, code: 'insufficient_quota' })
  expect(await refusal(chat(bearing('other', { 'x-consumer': me })))).toMatchObject({
    status: 403,
    type: 'insufficient_permissions',
  })
  const answered = await chat(bearing('mine'))
  expect(await used(system)).toBe(BigInt((answered as unknown as { receipt: { fee: string } }).receipt.fee))
  const { id } = await bearing('mine').responses.create({ model: 'Clerk', input: 'x', max_output_tokens: 8 })
  expect((await bearing('mine').responses.retrieve(id)).id).toBe(id)
  for (const read of ['retrieve', 'cancel'] as const)
    expect(await refusal(bearing('other').responses[read](id))).toMatchObject({ status: 404 })
  expect(
    await refusal(bearing('other').responses.create({ model: 'Clerk', input: 'x', previous_response_id: id })),
  ).toMatchObject({ status: 404 })
  expect(system.logged).toEqual([])
})

test('a key that is revoked in a running stream ends it and its call; what was sent is paid, and no other stream ends', async () => {
  const system = await servedModel(world, { auth: 'keys' })
  const key = (name: string) => `${name}-key-${'0'.repeat(20)}`
  await insertAll(system.db, ApiKey, [
    { id: hashKey(key('leaked')), account: me, role: 'Consumer' },
    { id: hashKey(key('new')), account: me, role: 'Consumer' },
  ])
  const stream = (name: string, length: number) =>
    system
      .client({ authorization: `Bearer ${key(name)}` })
      .chat.completions.create({ model: 'Clerk', messages, stream: true, seed: 9, temperature: 1, ...long(length) })
  const [leaked, other] = [await stream('leaked', 3500), await stream('new', 200)]
  let revoked = false
  const read = async () => {
    for await (const _ of leaked) {
      if (revoked) continue
      revoked = true
      await system.db.query('update api_key set revoked_at = now() where id = $1', [hashKey(key('leaked'))])
    }
  }
  await expect(read()).rejects.toThrow(/ended: it was revoked/)
  let last: string | null | undefined
  for await (const { choices } of other) last = choices[0]?.finish_reason ?? last
  expect(last).toBe('stop')
  await vi.waitFor(async () => expect(await openHolds(system)).toBe(0))
  const { rows } = await system.db.query(
    `select result->>'finish' as finish from job_run where kind = 'infer' order by 1`,
  )
  expect(rows).toEqual([{ finish: 'cancelled' }, { finish: 'stop' }])
  expect(await used(system)).toBeGreaterThan(0n)
  expect(system.logged).toEqual([])
})

test('200 streams at once beside clients that never read: each gets its whole answer, and what is beyond the limit is refused at once', async () => {
  const system = await servedModel(world)
  const { hostname, port } = new URL(system.url)
  const body = JSON.stringify({ model: 'Clerk', messages, stream: true, seed: 9, temperature: 1, ...long(2000) })
  const silent = Array.from({ length: 8 }, () => {
    const socket = connect(Number(port), hostname)
    socket.pause()
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nx-consumer: ${me}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    return socket
  })
  onTestFinished(() => silent.forEach((socket) => void socket.destroy()))
  const before = process.memoryUsage.rss()
  const texts = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const stream = await system.openai.chat.completions.create({
        ...{ model: 'Clerk', messages, stream: true, seed: 5, temperature: 1, max_tokens: 8 },
      })
      let text = ''
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
      return text
    }),
  )
  expect(new Set(texts).size).toBe(1)
  expect(process.memoryUsage.rss() - before).toBeLessThan(500 * 2 ** 20)
  for (const socket of silent) socket.destroy()
  await vi.waitFor(async () => expect(await openHolds(system)).toBe(0), 60_000)

  const ask = (body: object, headers: object = {}) =>
    fetch(`${system.url}/v1/completions`, {
      method: 'POST',
      headers: { 'x-consumer': me, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'Clerk', prompt: 'x', ...body }),
    })
  const askTwice = () => ask({ n: 2, max_tokens: 4 }, { 'idempotency-key': 'twice' })
  const first = await askTwice()
  expect(first.status).toBe(200)
  await waitingCalls(system.db, me, MAX_LIVE_CALLS)
  const refused = await ask({})
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0')
  expect(((await refused.json()) as ErrorBody).error).toMatchObject({
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
  })
  const again = await askTwice()
  expect(again.status).toBe(200)
  expect(again.headers.get('x-receipt-id')).toBe(first.headers.get('x-receipt-id'))

  // Where one of two has room, none is made.
  await system.db.query(`delete from job_run where id = 'waits1'`)
  const jobs = await jobCount(system)
  expect((await ask({ n: 2 })).status).toBe(429)
  expect(await jobCount(system)).toBe(jobs)
  expect(system.logged).toEqual([])
})

test('a stream whose worker cannot be read still gives the whole answer; a call that is cancelled in the queue ends its stream', async () => {
  const system = await servedModel(world)
  await system.db.query(`update worker_node set stream_key = 'forged'`)
  const stream = await system.openai.chat.completions.create({ model: 'Clerk', messages, stream: true, ...long(30) })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  expect(JSON.parse(text).text).toHaveLength(30)

  await system.worker.stop()
  const waiting = refusal(system.openai.chat.completions.create({ model: 'Clerk', messages, stream: true }))
  const id = await vi.waitFor(async () =>
    must(
      (await system.db.query<{ id: string }>(`select id from job_run where kind = 'infer' and status = 'Queued'`))
        .rows[0]?.id,
    ),
  )
  await system.ask('mutation ($id: ID!) { cancelJob(id: $id, idempotencyKey: "c") { status } }', { id })
  expect(await waiting).toMatchObject({ status: 400, code: 'cancelled' })
  expect(await openHolds(system)).toBe(0)
})
