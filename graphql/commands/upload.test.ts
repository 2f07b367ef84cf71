import { expect, test } from 'vitest'
import { ApiKey } from '#schema/offchain/access.ts'
import { account, insert, insertChain } from '#test/factory.ts'
import { hashKey } from '../access.ts'
import { createOwnKey, revokeOwnKey } from '../signIn/ownKeys.ts'
import { testApi } from '../test/api.ts'
import { codeOf } from '../test/market.ts'

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

test('a consumer’s key uploads up to its limit of a day, and what is stored already is free; an operator’s has no limit', async () => {
  const api = await testApi({ auth: 'keys', maxUploadBytes: 1_000 })
  await insertChain(api.db, 5)
  const key = async (name: string, role: ApiKey['role']) => {
    await insert(api.db, ApiKey, { id: hashKey(name), role })
    return { authorization: `Bearer ${name}` }
  }
  const consumer = await key('mc_consumer', 'Consumer')
  const other = await key('mc_other', 'Consumer')
  const operator = await key('mc_operator', 'Operator')
  const upload = (content: string, headers: Record<string, string>) =>
    api.ask(
      'mutation ($content: String!) { uploadArtifact(content: $content, kind: "document", idempotencyKey: "k") { id } }',
      { content },
      headers,
    )
  const sent = await Promise.all(
    Array.from({ length: 20 }, (_, nth) => upload(String(nth).padStart(100, '.'), consumer)),
  )
  expect(sent.filter(({ errors }) => !errors)).toHaveLength(10)
  expect(new Set(sent.flatMap(({ errors }) => errors?.[0]?.extensions.code ?? []))).toEqual(new Set(['UPLOAD_LIMIT']))
  const [stored = 0] = sent.flatMap(({ errors }, nth) => (errors ? [] : [nth]))
  expect((await upload(String(stored).padStart(100, '.'), consumer)).errors).toBeUndefined()
  expect((await upload('x'.repeat(1_000), other)).errors).toBeUndefined()
  expect((await upload('y'.repeat(2_000), operator)).errors).toBeUndefined()
  await api.db.query('update api_key set upload_day = upload_day - 1')
  expect((await upload('z'.repeat(1_000), consumer)).errors).toBeUndefined()
  expect(await codeOf(upload('z', consumer))).toBe('UPLOAD_LIMIT')
})

test('the keys that an account makes share its limit, revoked ones too, and those of all accounts one: keys and accounts cost nothing', async () => {
  const api = await testApi({ auth: 'keys', maxUploadBytes: 1_000 })
  await insertChain(api.db, 5)
  const [ada, eve] = [account(1), account(2)]
  const terms = { label: '', scopes: null, expiresAt: null, spendCap: null }
  let sent = 0
  const upload = async (key: string, bytes: number) =>
    codeOf(
      api.ask(
        'mutation ($content: String!) { uploadArtifact(content: $content, kind: "document", idempotencyKey: "k") { id } }',
        { content: String(sent++).padStart(bytes, '.') },
        { authorization: `Bearer ${key}` },
      ),
    )
  const first = await createOwnKey(api.db, ada, terms)
  expect(await upload(first.key, 600)).toBeUndefined()
  await revokeOwnKey(api.db, ada, first.id)
  const [second, third] = [await createOwnKey(api.db, ada, terms), await createOwnKey(api.db, ada, terms)]
  const codes = await Promise.all([second, third, second, third].map(({ key }) => upload(key, 200)))
  expect(codes.sort()).toEqual(['UPLOAD_LIMIT', 'UPLOAD_LIMIT', undefined, undefined])
  const made = await createOwnKey(api.db, eve, terms)
  expect(await upload(made.key, 500)).toBeUndefined()
  const uploadDay = Math.floor(Date.now() / 86_400_000)
  await insert(api.db, ApiKey, { id: 'others', prefix: 'mc_', account: account(3), uploadDay, uploadedBytes: 98_400 })
  expect(await upload(made.key, 101)).toBe('UPLOAD_LIMIT')
  expect(await upload(made.key, 100)).toBeUndefined()
  await insert(api.db, ApiKey, { id: hashKey('mc_by_operator'), account: eve, role: 'Consumer' })
  expect(await upload('mc_by_operator', 1_000)).toBeUndefined()
})
