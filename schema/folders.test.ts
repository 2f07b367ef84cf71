import { expect, test } from 'vitest'
import { documentBytes } from '#schema/documents.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { ArtifactError, localStore } from './artifacts/index.ts'
import { fetchFolder } from './folders.ts'

test('an artifact that is no listing, such as a model, is not read into memory as one', async () => {
  const folder = await temporaryFolder()
  const store = localStore(folder)
  const model = await store.put(new Uint8Array((1 << 24) + 1))
  const refusal = await fetchFolder(store, model, folder).catch((error) => error)
  expect(refusal).toBeInstanceOf(ArtifactError)
  expect(refusal.code).toBe('tooLarge')
})

test('a listing of more files than a folder may have opens none of them', async () => {
  const folder = await temporaryFolder()
  const store = localStore(folder)
  const file = await store.put(new Uint8Array(1))
  const listed = (count: number) =>
    store.put(documentBytes({ files: Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, file])) }))
  await expect(fetchFolder(store, await listed(10_001), folder)).rejects.toThrow('is not the listing of a folder')
  await fetchFolder(store, await listed(2), folder)
})
