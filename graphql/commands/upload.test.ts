import { expect, test } from 'vitest'
import { insertChain } from '#test/factory.ts'
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
