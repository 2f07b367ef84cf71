import { expect, test } from 'vitest'
import { Model } from '#schema/onchain/models.ts'
import { insert, insertChain } from '#test/factory.ts'
import { hashQuery, readPersistedQueries } from './plugins/persistedQueries.ts'
import { testApi } from './test/api.ts'

test('a query can be sent as its hash after it was sent with its text; an unknown hash is an error', async () => {
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

test('when only registered queries are allowed, their hash is enough and every other query is rejected, on every route', async () => {
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
