import { connect as connectTo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, createClient, type ExecutionResult, type SubscribePayload } from 'graphql-ws'
import { expect, onTestFinished, test, vi } from 'vitest'
import WebSocket from 'ws'
import type { Database } from '#schema/database.ts'
import { cancelJob, enqueue } from '#schema/enqueue.ts'
import { notify } from '#schema/notifications.ts'
import { ApiKey } from '#schema/offchain/access.ts'
import { Block, ChainEvent } from '#schema/onchain/chain.ts'
import { Model } from '#schema/onchain/models.ts'
import { account, blockHash, blockTime, insert, insertAll, insertChain } from '#test/factory.ts'
import { hashKey } from './access.ts'
import { hashQuery, readPersistedQueries } from './plugins/persistedQueries.ts'
import { type TestApi, testApi } from './test/api.ts'

// biome-ignore lint/suspicious/noExplicitAny: each subscription has its own shape
type Taken = any

function connect(api: TestApi, connectionParams?: Record<string, unknown>): Client {
  const client = createClient({
    url: `${api.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams,
  })
  onTestFinished(async () => void (await client.dispose()))
  return client
}

/** Takes the items of a subscription, one by one. It requests the first item at once, because `iterate` loses an error that comes before a request. */
function subscribe(client: Client, asked: string | SubscribePayload, variables: Record<string, unknown> = {}) {
  const stream = client.iterate(typeof asked === 'string' ? { query: asked, variables } : asked)
  type Next = IteratorResult<
    Pick<ExecutionResult, 'data'> & { errors?: readonly { extensions?: { code?: unknown } }[] },
    unknown
  >
  const next = () =>
    (stream.next() as Promise<Next>).catch((errors): Next => {
      if (!Array.isArray(errors)) throw errors
      return { value: { errors }, done: false }
    })
  let coming: Promise<Next> | undefined = next()
  coming.catch(() => {}) // reported to the caller of `take`
  return {
    async take(): Promise<Taken> {
      const { value, done } = await (coming ?? next())
      coming = undefined
      if (done) return 'over'
      if (value.errors) return value.errors.map((error) => error.extensions?.code)
      return value.data
    },
    stop: () => stream.return?.(),
  }
}

const PROGRESS =
  'subscription ($id: ID!) { jobProgress(id: $id) { id status progress stage parent { id } metrics { totalCount } } }'

const tune = (api: TestApi, key: string) =>
  enqueue(
    { db: api.db, queues: { add: async () => {} } },
    'scoreDatanet',
    { datanetId: '1' },
    { key, requestedBy: null },
  )

const move = (db: Database, id: string, status: 'Running' | 'Succeeded', progress: number) =>
  db.transaction(async (sql) => {
    await sql.query('update job_run set status = $2, progress = $3 where id = $1', [id, status, progress])
    await notify(sql, { type: 'job', id, status, progress })
  })

test('a job’s progress is sent from its present state to its end, with fresh relations each time', async () => {
  const api = await testApi()
  const job = await tune(api, 'a')
  const progress = subscribe(connect(api), PROGRESS, { id: job.id })
  expect(await progress.take()).toEqual({
    jobProgress: { id: job.id, status: 'Queued', progress: 0, stage: null, parent: null, metrics: { totalCount: 0 } },
  })
  await move(api.db, job.id, 'Running', 0.5)
  expect((await progress.take()).jobProgress).toMatchObject({
    status: 'Running',
    progress: 0.5,
    metrics: { totalCount: 0 },
  })
  await api.db.query(`insert into job_metric (id, job_id, name, step, value) values ('m', $1, 'loss', 1, 0.5)`, [
    job.id,
  ])
  await move(api.db, job.id, 'Succeeded', 1)
  expect((await progress.take()).jobProgress).toMatchObject({
    status: 'Succeeded',
    progress: 1,
    metrics: { totalCount: 1 },
  })
  expect(await progress.take()).toBe('over')
  const late = subscribe(connect(api), PROGRESS, { id: job.id })
  expect((await late.take()).jobProgress.status).toBe('Succeeded')
  expect(await late.take()).toBe('over')
  expect(await subscribe(connect(api), PROGRESS, { id: 'nothing' }).take()).toEqual(['JOB_NOT_FOUND'])
})

test('every job that is created or changes is sent; simultaneous changes are sent once', async () => {
  const api = await testApi()
  const jobs = subscribe(connect(api), 'subscription { jobs { id status progress } }')
  const first = jobs.take()
  const job = await until(async () => tune(api, `try ${Math.random()}`), first)
  expect((await first).jobs).toMatchObject({ status: 'Queued' })
  await cancelJob({ db: api.db }, job.id)
  for (;;) {
    const { jobs: told } = await jobs.take()
    if (told.id === job.id && told.status === 'Cancelled') break
  }
})

/** Repeats `act` until `done` has settled, because a subscription does not report when it began to listen. */
async function until<T>(act: () => Promise<T>, done: Promise<unknown>): Promise<T> {
  let settled = false
  void done.finally(() => {
    settled = true
  })
  for (;;) {
    const result = await act()
    await new Promise((resolve) => setTimeout(resolve, 100))
    if (settled) return result
  }
}

const EVENTS =
  'subscription ($after: String) { events(after: $after) { cursor event { id name contract } retracted { fromBlock toBlock } } }'
const eventId = (block: number, index: number) => `${String(block).padStart(12, '0')}-${String(index).padStart(6, '0')}`

/** Adds blocks with one event each, as the indexer does: rows, cursor and notification in one transaction. */
const advance = (db: Database, from: number, to: number, { fork = '', final = 0 } = {}) =>
  db.transaction(async (sql) => {
    for (let block = from; block <= to; block++) {
      await insert(sql, Block, {
        id: String(block),
        number: block,
        hash: blockHash(block, fork),
        parentHash: blockHash(block - 1, fork),
        timestamp: blockTime(block),
      })
      await insert(sql, ChainEvent, { id: eventId(block, 0), name: `Event${fork}`, contract: 'Test', fromBlock: block })
    }
    await sql.query(
      'update cursor set block = $1, hash = $2, final_block = greatest(final_block, $3), head_block = $1',
      [to, blockHash(to, fork), final],
    )
    await notify(sql, { type: 'blocks', from, to })
  })

const retract = async (db: Database, from: number, to: number, { silently = false } = {}) =>
  db.transaction(async (sql) => {
    await sql.query('delete from block where number >= $1', [from])
    await sql.query('delete from chain_event where from_block >= $1', [from])
    await sql.query('update cursor set block = $1, hash = (select hash from block where number = $1)', [from - 1])
    if (!silently) await notify(sql, { type: 'retracted', from, to })
  })

const told = ({ events }: Taken) =>
  events.event
    ? `${Number(events.event.id.slice(0, 12))} ${events.event.name}`
    : `retracted ${events.retracted.fromBlock}–${events.retracted.toBlock}`

test('events are sent in order and resume from a cursor; a reorganisation is sent, then its new events', async () => {
  const api = await testApi()
  await insertChain(api.db, 3, { final: 2 })
  await insertAll(api.db, ChainEvent, [{ id: eventId(3, 0), name: 'Old', fromBlock: 3 }])
  const client = connect(api)
  const begin = Buffer.from(JSON.stringify(['events', 2, blockHash(2), null, 2])).toString('base64url')
  const live = subscribe(client, EVENTS, { after: begin })
  expect(told(await live.take())).toBe('3 Old')
  await advance(api.db, 4, 6)
  const news = [await live.take(), await live.take(), await live.take()]
  expect(news.map(told)).toEqual(['4 Event', '5 Event', '6 Event'])
  await retract(api.db, 5, 6)
  expect(told(await live.take())).toBe('retracted 5–6')
  await advance(api.db, 5, 7, { fork: 'B' })
  expect([told(await live.take()), told(await live.take()), told(await live.take())]).toEqual([
    '5 EventB',
    '6 EventB',
    '7 EventB',
  ])

  const resumed = subscribe(client, EVENTS, { after: news[0].events.cursor })
  expect(told(await resumed.take())).toBe('5 EventB')
  // A cursor from the removed branch: the removed blocks are sent before the new events.
  const stale = subscribe(client, EVENTS, { after: news[2].events.cursor })
  expect([told(await stale.take()), told(await stale.take())]).toEqual(['retracted 3–6', '3 Old'])
  for (const after of [
    '',
    'x',
    Buffer.from('["events",1]').toString('base64url'),
    Buffer.from('["events","1",null,null,1]').toString('base64url'),
  ])
    expect(await subscribe(client, EVENTS, { after }).take()).toEqual(['BAD_CURSOR'])
})

test('a reorganisation whose notification was lost is found anyway', async () => {
  const api = await testApi()
  await insertChain(api.db, 3, { final: 3 })
  const live = subscribe(connect(api), EVENTS, {
    after: Buffer.from(JSON.stringify(['events', 3, blockHash(3), null, 3])).toString('base64url'),
  })
  await advance(api.db, 4, 5)
  expect([told(await live.take()), told(await live.take())]).toEqual(['4 Event', '5 Event'])
  await retract(api.db, 5, 5, { silently: true })
  await advance(api.db, 5, 6, { fork: 'B' })
  expect([told(await live.take()), told(await live.take()), told(await live.take())]).toEqual([
    'retracted 4–5',
    '4 Event',
    '5 EventB',
  ])
  expect(told(await live.take())).toBe('6 EventB')
})

test('over WebSocket the same limits, errors and access rules apply, and only pages of this server may connect', async () => {
  const api = await testApi({ auth: 'keys' })
  await insertChain(api.db, 3)
  await insert(api.db, Model, { id: '1' })
  const ask = (client: Client, query: string) => subscribe(client, query).take()
  const anonymous = connect(api)
  expect(await ask(anonymous, '{ models { totalCount } }')).toEqual({ models: { totalCount: 1 } })
  const whole = await anonymous.iterate({ query: '{ models { totalCount } }' }).next()
  expect(whole.value).toMatchObject({ extensions: { cost: { requested: 11, maximum: 50_000 } } })
  expect(
    await ask(anonymous, 'mutation { uploadArtifact(content: "x", kind: "document", idempotencyKey: "k") { id } }'),
  ).toEqual(['UNAUTHENTICATED'])
  await expect(
    ask(anonymous, '{ models(first: 1000) { nodes { versions(first: 1000) { nodes { id } } } } }'),
  ).resolves.toEqual(['TOO_COMPLEX'])
  await expect(ask(anonymous, '{ nonsense }')).resolves.toEqual(['BAD_REQUEST'])
  await expect(
    ask(connect(api, { authorization: 'Bearer unknown-key' }), '{ models { totalCount } }'),
  ).rejects.toMatchObject({ code: 4403 })
  await insert(api.db, ApiKey, { id: hashKey('operator-key'), role: 'Operator', account: account(1) })
  expect(
    await ask(
      connect(api, { authorization: 'Bearer operator-key' }),
      'mutation { uploadArtifact(content: "x", kind: "document", idempotencyKey: "k") { kind } }',
    ),
  ).toEqual({ uploadArtifact: { kind: 'document' } })

  const foreign = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    origin: 'https://elsewhere.example',
  })
  expect(await new Promise((resolve) => foreign.on('error', (error) => resolve(error.message)))).toContain('403')
})

test('subscriptions without a key are counted over all connections of an address; others, and queries, are answered', async () => {
  const api = await testApi({ auth: 'keys' })
  await insertChain(api.db, 3, { final: 2 })
  await insertAll(api.db, ChainEvent, [{ id: eventId(3, 0), name: 'Old', fromBlock: 3 }])
  await insert(api.db, ApiKey, { id: hashKey('consumer-key'), role: 'Consumer', account: account(1) })
  const after = Buffer.from(JSON.stringify(['events', 2, blockHash(2), null, 2])).toString('base64url')
  const clients = [connect(api), connect(api), connect(api)]
  const open = (client: Client) => subscribe(client, EVENTS, { after })
  const streams = Array.from({ length: 250 }, (_, n) => open(clients[Math.floor(n / 90)] as Client))
  for (const stream of streams) expect(told(await stream.take())).toBe('3 Old')
  const last = clients[2] as Client
  expect(await open(last).take()).toEqual(['TOO_MANY_SUBSCRIPTIONS'])
  expect(await subscribe(last, '{ models { totalCount } }').take()).toEqual({ models: { totalCount: 0 } })
  expect(told(await open(connect(api, { authorization: 'Bearer consumer-key' })).take())).toBe('3 Old')

  await streams[0]?.stop()
  await vi.waitFor(async () => expect(await open(last).take()).toMatchObject({ events: { event: { name: 'Old' } } }))
  expect(await open(last).take()).toEqual(['TOO_MANY_SUBSCRIPTIONS'])
  // An id that is used again at once, as often as it would take to lose them all.
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  await new Promise((resolve) => socket.on('open', resolve))
  let answered = 0
  socket.on('message', () => answered++)
  socket.send(JSON.stringify({ type: 'connection_init' }))
  for (const client of clients.slice(0, 2)) await client.dispose()
  await vi.waitFor(() => expect(answered).toBe(1))
  const subscription = JSON.stringify({
    type: 'subscribe',
    id: 'same',
    payload: { query: EVENTS, variables: { after } },
  })
  socket.send(subscription)
  await vi.waitFor(() => expect(answered).toBe(2))
  const { _socket: connection } = socket as unknown as { _socket: Socket }
  connection.cork() // the frames arrive together
  for (let n = 0; n < 300; n++) {
    socket.send(JSON.stringify({ type: 'complete', id: 'same' }))
    socket.send(subscription)
  }
  connection.uncork()
  socket.send(JSON.stringify({ type: 'ping' }))
  await vi.waitFor(() => expect(answered).toBeGreaterThan(50))
  socket.close()
  await vi.waitFor(async () => {
    const streams = Array.from({ length: 20 }, () => open(last))
    for (const stream of streams) expect(await stream.take()).toMatchObject({ events: { event: { name: 'Old' } } })
  })
})

/** Only the hash: the protocol requires a query, which is empty. */
const byHash = (query: string): SubscribePayload => ({
  query: '',
  extensions: { persistedQuery: { version: 1, sha256Hash: hashQuery(query) } },
})
const byDocument = (query: string) => ({ query: '', documentId: `sha256:${hashQuery(query)}` }) as SubscribePayload

test('a socket ends with the key that opened it, and others stay', async () => {
  const api = await testApi({ auth: 'keys' })
  const keys = ['leaked', 'kept', 'short'].map((name) => `${name}-key-000`)
  await insertAll(
    api.db,
    ApiKey,
    keys.map((key) => ({ id: hashKey(key), account: account(1), role: 'Operator' as const })),
  )
  const open = async (key: string) => {
    const client = connect(api, { authorization: `Bearer ${key}` })
    const closed = new Promise<number>((resolve) =>
      client.on('closed', (event) => resolve((event as { code: number }).code)),
    )
    client
      .iterate({ query: 'subscription { events { __typename } }' })
      .next()
      .catch(() => {}) // keeps the socket open
    await client.iterate({ query: '{ _meta { chainId } }' }).next()
    return { client, closed }
  }
  const [leaked, kept, short] = [await open('leaked-key-000'), await open('kept-key-000'), await open('short-key-000')]
  await api.db.query('update api_key set revoked_at = now() where id = $1', [hashKey('leaked-key-000')])
  await notify(api.db, { type: 'access', id: hashKey('leaked-key-000') })
  expect(await leaked?.closed).toBe(4401)
  await api.db.query('update api_key set expires_at = now() where id = $1', [hashKey('short-key-000')])
  expect(await short?.closed).toBe(4401) // without a notification
  const query = '{ _meta { chainId } }'
  expect((await kept?.client.iterate({ query }).next())?.value).toMatchObject({ data: {} })
})

test('over WebSocket, too, only registered queries and subscriptions are answered, by their text or their hash', async () => {
  const head = '{ _meta { block } }'
  const registered = Object.fromEntries([head, PROGRESS].map((query) => [hashQuery(query), query]))
  const api = await testApi({ persistedQueries: readPersistedQueries(JSON.stringify(registered), true) })
  await insertChain(api.db, 3)
  const job = await tune(api, 'a')
  const client = connect(api)
  for (const asked of [head, byHash(head), byDocument(head)])
    expect(await subscribe(client, asked).take()).toEqual({ _meta: { block: 3 } })
  const { id } = job
  for (const asked of [PROGRESS, { ...byHash(PROGRESS), variables: { id } }]) {
    const progress = subscribe(client, asked, { id })
    expect(await progress.take()).toMatchObject({ jobProgress: { id, status: 'Queued' } })
    progress.stop()
  }
  const strange = ['{ _meta { hash } }', 'subscription { jobs { id } }', 'nonsense {', '']
  const refused = [...strange, ...strange.map(byHash), ...strange.map(byDocument)].map((asked) =>
    subscribe(client, asked),
  )
  for (const one of refused) expect(await one.take()).toEqual(['NOT_REGISTERED'])
  // the text counts, and not the hash beside it
  expect(await subscribe(client, { ...byHash(head), query: '{ _meta { hash } }' }).take()).toEqual(['NOT_REGISTERED'])
  expect(await subscribe(client, head).take()).toEqual({ _meta: { block: 3 } })
})

test('over WebSocket, an unknown hash is an error that requests the text', async () => {
  const head = '{ _meta { block } }'
  const file = JSON.stringify({ [hashQuery(head)]: head })
  for (const register of [undefined, readPersistedQueries(file, false)]) {
    const api = await testApi({ persistedQueries: register })
    await insertChain(api.db, 3)
    const client = connect(api)
    const other = '{ _meta { hash } }'
    expect(await subscribe(client, byHash(other)).take()).toEqual(['PERSISTED_QUERY_NOT_FOUND'])
    expect(await subscribe(client, byDocument(other)).take()).toEqual(['PERSISTED_QUERY_NOT_FOUND'])
    expect(await subscribe(client, { ...byHash(other), query: other }).take()).toEqual({
      _meta: { hash: blockHash(3) },
    })
    expect(await subscribe(client, byHash(head)).take()).toEqual(
      register ? { _meta: { block: 3 } } : ['PERSISTED_QUERY_NOT_FOUND'],
    )
  }
})

test('stopping ends open subscriptions and closes the port', async () => {
  const api = await testApi()
  const jobs = subscribe(connect(api), 'subscription { jobs { id } }')
  const first = jobs.take()
  await until(async () => tune(api, `try ${Math.random()}`), first)
  const end = (async (): Promise<unknown> => {
    for (;;) {
      const next = await jobs.take().catch((error) => error.code)
      if (typeof next !== 'object') return next // else a notice of a job that was under way
    }
  })()
  await api.stop()
  expect([1001, 'over']).toContain(await end)
  await expect(fetch(`${api.url}/livez`)).rejects.toThrow()
})

test('a request that was under way when the API stops is answered', async () => {
  const api = await testApi()
  const body = JSON.stringify({ query: '{ __typename }' })
  const socket = connectTo(Number(new URL(api.url).port), '127.0.0.1')
  const head = ['POST /graphql HTTP/1.1', 'Host: 127.0.0.1', 'Content-Type: application/json', 'Connection: close']
  socket.write([...head, `Content-Length: ${body.length}`, '', body.slice(0, 5)].join('\r\n'))
  await sleep(100) // the server has the beginning
  const stopped = api.stop()
  await sleep(100) // all that does not wait for the request has ended
  socket.write(body.slice(5))
  expect(await text(socket)).toMatch(/^HTTP\/1.1 200 OK.*{"data":{"__typename":"Query"}/s)
  await stopped
})
