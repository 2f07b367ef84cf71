import { expect, test } from 'vitest'
import { Model, ModelVersion } from '#schema/onchain/models.ts'
import { chain, insert } from '#test/factory.ts'
import { testApi } from './test/api.ts'

test('smoke', async () => {
  const { db, ask, logged } = await testApi()
  await chain(db, 10)
  await insert(db, Model, { id: '1' })
  await insert(db, Model, { id: '2' })
  for (const id of ['1', '2', '10']) await insert(db, ModelVersion, { id, modelId: '1' })
  const answer = await ask(
    `{ models(first: 1) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { nodeId id bond versions { totalCount nodes { id status model { id } } } } } } _meta { block final } }`,
  )
  console.log(JSON.stringify(answer, null, 1), logged)
  expect(answer.errors).toBeUndefined()
})
