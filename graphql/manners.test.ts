import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { parse } from 'graphql'
import { serverAudits } from 'graphql-http'
import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '#schema/database.ts'
import { Model } from '#schema/onchain/models.ts'
import { freshDatabaseUrl } from '#test/database.ts'
import { insert, insertAll, insertChain } from '#test/factory.ts'
import { LIMITS } from './plugins/limits.ts'
import { hashQuery, readPersistedQueries } from './plugins/persistedQueries.ts'
import { measure } from './plugins/queryCost.ts'
import { apiSchema, printedSchema } from './schema.ts'
import { type GraphQLResponse, testApi } from './test/api.ts'

const nest = (levels: number, inner: string): string =>
  levels === 0 ? inner : `versions(first: 1) { nodes { model { ${nest(levels - 1, inner)} } } }`

test('the committed schema is the one that the entities give (else: npm run schema)', () => {
  expect(readFileSync(new URL('schema.graphql', import.meta.url), 'utf8')).toBe(printedSchema())
})

test('secrets are not part of the schema', () => {
  const text = printedSchema()
  expect(text).not.toMatch(/ApiKey/)
  expect(apiSchema().getType('ChainTransaction')).toBeDefined()
  expect(text.match(/type ChainTransaction [\s\S]*?\n}/)?.[0]).not.toMatch(/^\s*raw\b/m)
})

test('queries that ask too much are refused before the database is asked', async () => {
  const { db, ask, statements } = await testApi()
  await insertChain(db, 10)
  statements()
  const refuse = async (query: string, variables?: object) => {
    const { status, errors, data } = await ask(query, variables, { accept: 'application/graphql-response+json' })
    expect(status).toBe(400)
    expect((await ask(query, variables)).status).toBe(200) // plain JSON: the request is well-formed
    expect(data).toBeUndefined()
    return errors?.[0]?.extensions.code
  }
  expect(await refuse(`{ models { nodes { ${nest(6, 'id')} } } }`)).toBe('TOO_COMPLEX')
  const aliases = Array.from({ length: LIMITS.aliases + 1 }, (_, i) => `a${i}: models(first: 1) { totalCount }`)
  expect(await refuse(`{ ${aliases.join(' ')} }`)).toBe('TOO_COMPLEX')
  expect(await refuse('{ models(first: 1000) { nodes { versions(first: 100) { nodes { id } } } } }')).toBe(
    'TOO_COMPLEX',
  )
  expect(
    await refuse(
      'query ($n: Int) { models(first: $n) { edges { node { versions(last: $n) { edges { node { id } } } } } } }',
      { n: 900 },
    ),
  ).toBe('TOO_COMPLEX')
  expect(
    await refuse('query ($n: Int = 900) { models(first: $n) { nodes { versions(first: $n) { nodes { id } } } } }'),
  ).toBe('TOO_COMPLEX')
  expect(await refuse('{ models(first: 2000000000) { nodes { id } } }')).toBe('PAGE_TOO_LARGE')
  expect(
    await refuse(
      '{ a: jobs(first: 1000) { nodes { ...f } } } fragment f on JobRun { children(first: 1000) { nodes { id } } }',
    ),
  ).toBe('TOO_COMPLEX')
  expect(
    await refuse(
      '{ models { ...f } } fragment f on ModelConnection { nodes { ...g } } fragment g on Model { versions { nodes { model { ...g } } } }',
    ),
  ).toBe('GRAPHQL_VALIDATION_FAILED')
  expect(await refuse(`{ ${'models { totalCount } '.repeat(1500)} }`)).toBe('GRAPHQL_PARSE_FAILED')
  expect(await refuse('{ models(where: { nonsense: 1 }) { totalCount } }')).toBe('GRAPHQL_VALIDATION_FAILED')
  expect(await refuse('{ models(where: { bond: { eq: "1; drop table model" } }) { totalCount } }')).toBe(
    'GRAPHQL_VALIDATION_FAILED',
  )
  expect(await refuse('query ($b: BigInt) { models(where: { bond: { eq: $b } }) { totalCount } }', { b: '1e9' })).toBe(
    'BAD_USER_INPUT',
  )
  expect(statements()).toEqual([])
})

test('a fragment that doubles at every level is measured without being unfolded', () => {
  const levels = 60
  const fragments = Array.from({ length: levels }, (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)
  const document = parse(`{ ...f0 } ${fragments.join(' ')} fragment f${levels} on Query { overview { models } }`)
  const operation = document.definitions[0]
  if (operation?.kind !== 'OperationDefinition') throw new Error('no operation')
  const start = performance.now()
  expect(() => measure(apiSchema(), document, operation, {})).toThrow(/objects/)
  expect(performance.now() - start).toBeLessThan(200)
})

test('a query of the schema that multiplies itself by aliases, or goes round in it, is refused at once', async () => {
  const { ask } = await testApi()
  const many = (inner: string) => Array.from({ length: 20 }, (_, i) => `a${i}: fields { ${inner} }`).join(' ')
  const bombs = [
    `{ __schema { types { ${many(`type { ${many('name')} }`)} } } }`,
    `{ ${Array.from({ length: 20 }, (_, i) => `a${i}: __type(name: "Model") { fields { type { fields { name } } } }`).join(' ')} }`,
    `{ __type(name: "Model") { ...f } } fragment f on __Type { ${many('name')} }`,
    '{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }',
  ]
  for (const bomb of bombs) {
    const start = performance.now()
    const { errors, data } = await ask(bomb)
    expect(performance.now() - start).toBeLessThan(2000)
    expect(data).toBeUndefined()
    expect(errors?.[0]?.extensions.code).toMatch(/TOO_COMPLEX|GRAPHQL_VALIDATION_FAILED/)
  }
  expect((await ask('{ a: __type(name: "Model") { name } b: __type(name: "Vote") { name } }')).data.b.name).toBe('Vote')
})

test('hostile values in filters are values, never SQL', async () => {
  const { db, ask, url } = await testApi()
  await insertChain(db, 10)
  await insert(db, Model, { id: '1', specUri: `'; drop table model; --` })
  const ids = async (where: object) =>
    await ask('query ($where: ModelWhere) { models(where: $where) { nodes { id } } }', { where })
  for (const text of [`'; drop table model; --`, `' or '1'='1`, '"; --', '$1', '\\', '%', '_', ';', '\u{1F600}'])
    expect((await ids({ specUri: { eq: text } })).errors).toBeUndefined()
  expect((await ids({ specUri: { contains: `'; DROP` } })).data.models.nodes).toEqual([{ id: '1' }])
  expect((await ids({ specUri: { contains: '%' } })).data.models.nodes).toEqual([])
  expect((await ids({ specUri: { eq: 'a\0b' } })).errors?.[0]?.extensions.code).toBe('BAD_INPUT')
  expect((await ids({ specUri: { eq: null } })).errors?.[0]?.extensions.code).toBe('BAD_INPUT')
  expect((await ids({ specUri: null })).errors?.[0]?.extensions.code).toBe('BAD_INPUT')
  expect((await ids({ id: { in: Array(1001).fill('1') } })).errors?.[0]?.extensions.code).toBe('TOO_COMPLEX')
  expect((await ids({ and: Array(200).fill({ id: { eq: '1' } }) })).errors?.[0]?.extensions.code).toBe('TOO_COMPLEX')
  expect((await ids({ and: Array(20).fill({ or: Array(20).fill({}) }) })).errors?.[0]?.extensions.code).toBe(
    'TOO_COMPLEX',
  )
  const deep = Array.from({ length: 150 }).reduce<object>((inner) => ({ not: inner }), {})
  expect((await ids(deep)).errors?.[0]?.extensions.code).toBe('TOO_COMPLEX')
  const body = `{"query": "query ($where: ModelWhere) { models(where: $where) { nodes { id } } }", "variables": {"where": ${'{"not":'.repeat(200_000)}{}${'}'.repeat(200_000)}}}`
  const abyss = await fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  expect(((await abyss.json()) as GraphQLResponse).errors?.[0]?.extensions.code).toBe('TOO_COMPLEX')
  const literal = `{ models(where: ${'{ not: '.repeat(900)}{}${' }'.repeat(900)}) { nodes { id } } }`
  expect((await ask(literal)).errors?.[0]?.extensions.code).toBe('TOO_COMPLEX')
  expect((await ids({})).data.models.nodes).toEqual([{ id: '1' }])
})

test('every answer tells its cost', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 10)
  const cost = async (query: string, variables?: object) => (await ask(query, variables)).extensions?.cost
  expect(await cost('{ models(first: 10) { nodes { id versions(first: 5) { nodes { id } } } } }')).toEqual({
    requested: 1 + 10 * (1 + 1 + 5),
    maximum: LIMITS.cost,
  })
  expect(await cost('query ($n: Int) { models(first: $n) { edges { cursor node { id } } } }', { n: 3 })).toMatchObject({
    requested: 4,
  })
})

test('a fault of ours is told by a reference alone, under which the log keeps the cause', async () => {
  const { db, ask, logged } = await testApi()
  await db.query('drop table holder')
  const { errors, data } = await ask('{ holders { nodes { id } } model(id: 1) { id } }')
  expect(data).toBeNull()
  expect(errors).toHaveLength(1)
  expect(errors?.[0]).toMatchObject({ path: ['holders'], extensions: { code: 'INTERNAL' } })
  expect(Object.keys(errors![0]!.extensions)).toEqual(['code'])
  expect(errors?.[0]?.message).not.toMatch(/holder|relation|sql/i)
  expect(logged).toHaveLength(1)
  expect(JSON.stringify(errors)).toContain((logged[0] as { reference: string }).reference)
})

test('over HTTP: batches, forms from other pages, bodies that are no JSON or too large', async () => {
  const { url } = await testApi()
  const post = async (body: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    const text = await response.text()
    expect(text).not.toMatch(/node_modules|at .*\(/)
    return { status: response.status, code: JSON.parse(text).errors?.[0]?.extensions?.code }
  }
  const query = '{ __typename }'
  expect(await post(JSON.stringify([{ query }, { query }]))).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  expect(await post('{"query": ')).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
  expect(await post(JSON.stringify({ query, padding: 'x'.repeat(2_600_000) }))).toMatchObject({
    status: 413,
    code: 'REQUEST_TOO_LARGE',
  })
  expect(
    (await post(`query=${encodeURIComponent(query)}`, { 'content-type': 'application/x-www-form-urlencoded' })).status,
  ).toBe(400)
  expect((await post(JSON.stringify({ query }), { 'content-type': 'text/plain' })).status).toBe(400)
  expect((await fetch(`${url}/graphql?query=${encodeURIComponent(query)}`)).status).toBe(400)
  const get = await fetch(
    `${url}/graphql?query=${encodeURIComponent('mutation { cancelJob(id: 1, idempotencyKey: "k") { id } }')}`,
    { headers: { 'apollo-require-preflight': '1' } },
  )
  expect(get.status).toBe(405)
  const allowed = await fetch(`${url}/graphql`, {
    method: 'OPTIONS',
    headers: { origin: 'https://elsewhere.example', 'access-control-request-method': 'POST' },
  })
  expect(allowed.headers.get('access-control-allow-origin')).toBeNull()
})

test('GraphQL over HTTP: every audit holds, MUST, SHOULD and MAY', async () => {
  const { url } = await testApi()
  const audits = serverAudits({
    url: `${url}/graphql`,
    fetchFn: (input: string, init?: RequestInit) =>
      fetch(input, { ...init, headers: { ...(init?.headers as object), 'apollo-require-preflight': '1' } }),
  })
  const results = await Promise.all(audits.map(async (audit) => ({ ...(await audit.fn()), name: audit.name })))
  const failed = results.flatMap((result) =>
    result.status === 'ok' ? [] : [`${result.status} ${result.name}: ${result.reason}`],
  )
  expect(failed).toEqual([])
  const count = (word: string) => results.filter(({ name }) => name.startsWith(word)).length
  expect({ must: count('MUST'), should: count('SHOULD'), may: count('MAY') }).toMatchInlineSnapshot(`
    {
      "may": 25,
      "must": 13,
      "should": 23,
    }
  `)
})

test('introspection is served', async () => {
  const { ask } = await testApi()
  const { data } = await ask(
    '{ __schema { queryType { fields { name args { name type { kind ofType { kind ofType { kind ofType { name } } } } } } } } }',
  )
  expect(data.__schema.queryType.fields.map((field: { name: string }) => field.name)).toEqual(
    expect.arrayContaining(['model', 'models', 'node', '_meta']),
  )
})

test('probes tell whether the API lives and can answer truly, and metrics are shown', async () => {
  const { url, db } = await testApi({ registry: new Registry() })
  const get = async (path: string) => {
    const response = await fetch(url + path)
    return { status: response.status, text: await response.text() }
  }
  expect(await get('/livez')).toEqual({ status: 200, text: '{"live":true}' })
  expect((await get('/readyz')).status).toBe(200)
  await insertChain(db, 10)
  expect(JSON.parse((await get('/readyz')).text)).toMatchObject({ ready: true, block: 10, headBlock: 10, lag: 0 })
  await db.query('update cursor set head_block = 500')
  expect(await get('/readyz')).toMatchObject({ status: 503, text: expect.stringContaining('490 blocks behind') })
  await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ nothing }"}',
  })
  expect((await get('/metrics')).text).toMatch(
    /modelcommons_graphql_errors_total\{code="GRAPHQL_VALIDATION_FAILED"\} 1/,
  )
})

test('a query may be sent as its hash alone once it was sent with it; what was never sent is asked for', async () => {
  const { db, url } = await testApi()
  await insertChain(db, 10)
  const query = '{ _meta { block } }'
  const send = async (body: object) => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify(body) })
    const { data, errors } = (await response.json()) as { data?: object; errors?: { extensions: { code: string } }[] }
    return data ?? errors?.[0]?.extensions.code
  }
  const extensions = { persistedQuery: { version: 1, sha256Hash: hashQuery(query) } }
  expect(await send({ extensions })).toBe('PERSISTED_QUERY_NOT_FOUND')
  expect(await send({ query: '{ __typename }', extensions })).toBe('BAD_REQUEST')
  expect(await send({ query, extensions })).toEqual({ _meta: { block: 10 } })
  expect(await send({ extensions })).toEqual({ _meta: { block: 10 } })
})

test('where only registered queries may be asked, their hash is enough and nothing else is answered, by whatever way', async () => {
  const query = 'query Head { _meta { block } }'
  const list = '{ models { nodes { id } } }'
  const file = JSON.stringify({
    operations: [
      { id: hashQuery(query), body: query },
      { id: hashQuery(list), body: list },
    ],
  })
  expect(() => readPersistedQueries(file.replace('block', 'hash'), true)).toThrow(/is not the SHA-256 of its query/)
  const { db, url, ask } = await testApi({ persistedQueries: readPersistedQueries(file, true) })
  await insertChain(db, 10)
  await insert(db, Model, { id: '1' })
  const get = async (path: string, parameters: Record<string, string>) => {
    const headers = { 'apollo-require-preflight': '1' }
    return (await fetch(`${url}${path}?${new URLSearchParams(parameters)}`, { headers })).text()
  }
  const extensions = (text: string) => JSON.stringify({ persistedQuery: { version: 1, sha256Hash: hashQuery(text) } })
  expect(JSON.parse(await get('/graphql', { extensions: extensions(query) })).data).toEqual({ _meta: { block: 10 } })
  expect(JSON.parse(await get('/graphql', { documentId: `sha256:${hashQuery(query)}` })).data).toEqual({
    _meta: { block: 10 },
  })
  expect((await ask(query)).data).toEqual({ _meta: { block: 10 } })
  expect((await ask('{ _meta { hash } }')).errors?.[0]?.extensions.code).toBe('NOT_REGISTERED')
  expect(await get('/graphql', { query: '{ _meta { hash } }' })).toContain('NOT_REGISTERED')
  expect(await get('/graphql', { query: '{ _meta { hash } }', extensions: extensions(query) })).toContain(
    'NOT_REGISTERED',
  )
  expect(await get('/graphql', { extensions: '{' })).toContain('BAD_REQUEST')
  expect(await get('/export.jsonl', { extensions: extensions(list) })).toBe('{"id":"1"}\n')
  expect(await get('/export.jsonl', { query: '{ votes { nodes { id } } }' })).toContain('NOT_REGISTERED')
})

test('a statement that takes too long is ended, and the answer says what to do', async () => {
  const db = await openDatabase(await freshDatabaseUrl(), { statementTimeoutMs: 150 })
  onTestFinished(() => db.close())
  const { ask, logged } = await testApi({ db })
  await insertChain(db, 10)
  await insertAll(
    db,
    Model,
    Array.from({ length: 300 }, (_, i) => ({ id: String(i + 1), specUri: 'x'.repeat(5000) })),
  )
  // Every condition looks through all of it; a lock stands for what cannot be foreseen.
  const lock = await db.pool.connect()
  await lock.query('begin')
  await lock.query('lock table model in access exclusive mode')
  const { errors } = await ask('{ models(where: { specUri: { contains: "%_%" } }) { nodes { id } } }')
  await lock.query('rollback')
  lock.release()
  expect(errors?.[0]?.extensions.code).toBe('TOO_SLOW')
  expect(errors?.[0]?.message).toMatch(/Request less/)
  expect(logged).toEqual([])
  expect((await ask('{ models(first: 1) { nodes { id } } }')).data.models.nodes).toHaveLength(1)
})

test('a port in use is an error that names PORT', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as { port: number }
  try {
    await expect(testApi({ port })).rejects.toThrow(`PORT: ${port} is in use on 127.0.0.1`)
  } finally {
    taken.close()
  }
})
