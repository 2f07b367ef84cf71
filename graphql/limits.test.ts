import { parse } from 'graphql'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '#schema/database.ts'
import { Model } from '#schema/onchain/models.ts'
import { freshDatabaseUrl } from '#test/database.ts'
import { insert, insertChain } from '#test/factory.ts'
import { LIMITS } from './plugins/limits.ts'
import { measure } from './plugins/queryCost.ts'
import { apiSchema } from './schema.ts'
import { type GraphQLResponse, testApi } from './test/api.ts'

const nest = (levels: number, inner: string): string =>
  levels === 0 ? inner : `versions(first: 1) { nodes { model { ${nest(levels - 1, inner)} } } }`

test('queries above the limits are rejected without a database statement', async () => {
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

test('the cost of a fragment that doubles at every level is computed without expanding it', () => {
  const levels = 60
  const fragments = Array.from({ length: levels }, (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)
  const document = parse(`{ ...f0 } ${fragments.join(' ')} fragment f${levels} on Query { overview { models } }`)
  const operation = document.definitions[0]
  if (operation?.kind !== 'OperationDefinition') throw new Error('no operation')
  const start = performance.now()
  expect(() => measure(apiSchema(), document, operation, {})).toThrow(/objects/)
  expect(performance.now() - start).toBeLessThan(20_000)
})

test('an introspection query that multiplies itself by aliases, or recurses, is rejected at once', async () => {
  const { ask } = await testApi()
  const many = (inner: string) => Array.from({ length: 20 }, (_, i) => `a${i}: fields { ${inner} }`).join(' ')
  const bombs = [
    `{ __schema { types { ${many(`type { ${many('name')} }`)} } } }`,
    `{ ${Array.from({ length: 20 }, (_, i) => `a${i}: __type(name: "Model") { fields { type { fields { name } } } }`).join(' ')} }`,
    `{ __type(name: "Model") { ...f } } fragment f on __Type { ${many('name')} }`,
    '{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }',
    '{ __schema { types { fields { args { type { inputFields { name type { enumValues { name } } } } } } } } }',
    '{ __schema { types { ...t } } } fragment t on __Type { inputFields { type { ... on __Type { ofType { ...m } } } } } fragment m on __Type { enumValues { name } }',
    '{ __type(name: "Model") { interfaces { possibleTypes { fields { name } } } } }',
  ]
  for (const bomb of bombs) {
    const start = performance.now()
    const { errors, data } = await ask(bomb)
    expect(performance.now() - start).toBeLessThan(20_000)
    expect(data).toBeUndefined()
    expect(errors?.[0]?.extensions.code).toMatch(/TOO_COMPLEX|GRAPHQL_VALIDATION_FAILED/)
  }
  expect((await ask('{ a: __type(name: "Model") { name } b: __type(name: "Vote") { name } }')).data.b.name).toBe('Vote')
})

test('the cost of a size that is null is not that of one that is absent, in whichever order they come', async () => {
  const { db, ask } = await testApi()
  await insertChain(db, 10)
  for (const order of [
    [{ n: null }, {}],
    [{}, { n: null }],
  ]) {
    const inner = 'versions(first: $n) { nodes { model { versions(first: $n) { nodes { id } } } } }'
    const query = `query ${order[0]?.n === null ? 'A' : 'B'}($n: Int = 1000) { models(first: 1) { nodes { ${inner} } } }`
    for (const variables of order) {
      const { errors } = await ask(query, variables)
      expect(errors?.[0]?.extensions.code).toBe('n' in variables ? undefined : 'TOO_COMPLEX')
    }
  }
})

test('a request reads five hundred contents of artifacts at most, and of those four million bytes', async () => {
  const { db, ask, artifacts } = await testApi()
  await insertChain(db, 10)
  const list = (first: number) => ask(`{ artifacts(first: ${first}) { nodes { text } } }`)
  expect((await list(400)).errors).toBeUndefined()
  expect((await list(1000)).errors?.[0]?.extensions.code).toBe('TOO_COMPLEX')
  const id = await artifacts.put(Buffer.from(`[${'1,'.repeat(499_000)}1]`))
  const read = (times: number) =>
    ask(`{ ${Array.from({ length: times }, (_, i) => `a${i}: artifact(id: "${id}") { json }`).join(' ')} }`)
  expect((await read(4)).errors).toBeUndefined()
  const { errors, data } = await read(40)
  expect(new Set(errors?.map(({ extensions }) => extensions.code))).toEqual(new Set(['TOO_COMPLEX']))
  expect(Object.values(data).filter((one) => (one as { json: unknown }).json !== null).length).toBeLessThan(12)
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

test('every response contains its cost', async () => {
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

test('a statement that takes too long is cancelled, and the error says what to do', async () => {
  const db = await openDatabase(await freshDatabaseUrl(), { statementTimeoutMs: 500 })
  onTestFinished(() => db.close())
  const { ask, logged } = await testApi({ db })
  await insertChain(db, 10)
  await insert(db, Model, { id: '1' })
  // A lock simulates a delay that no estimate can predict.
  const lock = await db.pool.connect()
  await lock.query('begin')
  await lock.query('lock table model in access exclusive mode')
  const { errors } = await ask('{ models { nodes { id } } }')
  await lock.query('rollback')
  lock.release()
  expect(errors?.[0]?.extensions.code).toBe('TOO_SLOW')
  expect(errors?.[0]?.message).toMatch(/Request less/)
  expect(logged).toEqual([])
  expect((await ask('{ models(first: 1) { nodes { id } } }')).data.models.nodes).toHaveLength(1)
})
