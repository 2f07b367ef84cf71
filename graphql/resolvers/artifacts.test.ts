import { expect, test } from 'vitest'
import { documentBytes, itemsDocument, putDocument } from '#schema/documents.ts'
import { Artifact } from '#schema/offchain/artifacts.ts'
import { Evaluation } from '#schema/onchain/models.ts'
import { blockHash, insert, insertAll, insertChain } from '#test/factory.ts'
import { must } from '#test/must.ts'
import { testApi } from '../test/api.ts'

test('artifacts are returned as text and JSON, up to a size, and never when sealed', async () => {
  const { db, ask, artifacts, url } = await testApi()
  await insertChain(db, 5)
  const listed = await artifacts.put(documentBytes({ answer: 42 }))
  await insert(db, Artifact, { id: listed, kind: 'evaluationLog', mediaType: 'application/json', size: 13n })
  const unlisted = await artifacts.put(new TextEncoder().encode('only text'))
  const binary = await artifacts.put(new Uint8Array([0xff, 0xfe]))
  const large = await artifacts.put(new Uint8Array(1_000_001).fill(97))
  const sealed = await putDocument(artifacts, itemsDocument, {
    salt: `0x${'5a'.repeat(32)}`,
    items: [{ prompt: 'p', completion: 'c' }],
  })
  await insertAll(db, Evaluation, [
    { id: '1', logHash: listed },
    { id: '2', logHash: sealed },
  ])
  const get = async (id: string) => ask('query ($id: ID!) { artifact(id: $id) { id kind size text json } }', { id })
  expect((await get(listed)).data.artifact).toEqual({
    id: listed,
    kind: 'evaluationLog',
    size: '13',
    text: '{"answer":42}',
    json: { answer: 42 },
  })
  expect((await get(unlisted)).data.artifact).toMatchObject({ kind: 'unlisted', text: 'only text', json: null })
  expect((await get(binary)).data.artifact).toMatchObject({ text: null, json: null })
  expect((await get(blockHash(1))).data.artifact).toBeNull()
  expect((await get('../../etc/passwd')).data.artifact).toBeNull()
  expect((await get(large)).errors?.[0]?.extensions.code).toBe('ARTIFACT_TOO_LARGE')
  expect((await get(sealed)).errors?.[0]?.extensions.code).toBe('ARTIFACT_SEALED')
  expect((await ask('{ evaluationLog(evaluationId: 1) none: evaluationLog(evaluationId: 9) }')).data).toEqual({
    evaluationLog: { answer: 42 },
    none: null,
  })
  expect((await ask('{ evaluationLog(evaluationId: 2) }')).errors?.[0]?.extensions.code).toBe('ARTIFACT_SEALED')

  const file = async (name: string) => fetch(`${url}/artifacts/${name}`)
  const served = await file(listed)
  expect(await served.text()).toBe('{"answer":42}')
  expect(served.headers.get('content-type')).toMatch(/^application\/json/)
  expect(served.headers.get('x-content-type-options')).toBe('nosniff')
  expect((await file(sealed)).status).toBe(403)
  expect((await file(blockHash(1))).status).toBe(404)
  expect((await file('..%2f..%2fetc%2fpasswd')).status).toBe(404)
  expect((await (await file(large)).arrayBuffer()).byteLength).toBe(1_000_001)

  const asked = async (headers: Record<string, string>) => fetch(`${url}/artifacts/${listed}`, { headers })
  const etag = must(served.headers.get('etag'))
  expect(etag).toBe(`"${listed}"`)
  expect((await asked({ 'if-none-match': etag })).status).toBe(304)
  const part = await asked({ range: 'bytes=2-7', 'if-range': etag })
  expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 2-7/13', 'answer'])
  expect(await (await asked({ range: 'bytes=-3' })).text()).toBe('42}')
  const other = await asked({ range: 'bytes=2-7', 'if-range': '"another"' })
  expect([other.status, await other.text()]).toEqual([200, '{"answer":42}'])
  expect((await asked({ range: 'bytes=99-' })).status).toBe(416)
})
