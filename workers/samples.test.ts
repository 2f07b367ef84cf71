import { expect, test } from 'vitest'
import { localStore } from '#schema/artifacts/index.ts'
import { loadSample } from './samples.ts'
import { temporaryFolder } from './test/testWorker.ts'

test('a sample is read once, and a missing one again each time', async () => {
  const store = localStore(await temporaryFolder())
  const sample = { prompt: 'Which port?', completion: 'Bergen' }
  const name = await store.put(new TextEncoder().encode(JSON.stringify(sample)))
  const other = await store.put(new TextEncoder().encode(JSON.stringify({ ...sample, completion: 'Oslo' })))
  expect(await loadSample(store, name)).toEqual(sample)
  const empty = localStore(await temporaryFolder())
  expect(await loadSample(empty, name)).toEqual(sample)
  await expect(loadSample(empty, other)).rejects.toMatchObject({ code: 'missing' })
  expect(await loadSample(store, other)).toEqual({ ...sample, completion: 'Oslo' })
})
