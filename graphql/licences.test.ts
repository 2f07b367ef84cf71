import { expect, test } from 'vitest'
import { documentBytes } from '#schema/documents.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Model, ModelVersion } from '#schema/onchain/models.ts'
import { insert, insertChain } from '#test/factory.ts'
import { testApi } from './test/api.ts'

test('a model, its datanets and its versions tell their licences, and why they may not be put together', async () => {
  const api = await testApi()
  await insertChain(api.db, 5)
  const specHash = await api.artifacts.put(
    documentBytes({
      name: 'Clerk',
      purpose: 'To test.',
      baseModel: `0x${'b'.repeat(64)}`,
      rubric: `0x${'c'.repeat(64)}`,
      samples: { description: 'any', completionPattern: '.*', topic: [], maxPromptLength: 400 },
      licence: 'CC-BY-4.0',
      baseLicence: 'Apache-2.0',
      integration: 'none',
    }),
  )
  await insert(api.db, Model, { id: '1', specHash })
  await insert(api.db, Model, { id: '2', specHash: `0x${'d'.repeat(64)}` })
  await insert(api.db, Datanet, { id: '1', modelId: '1', licence: 'CC0-1.0' })
  await insert(api.db, Datanet, { id: '2', modelId: '1', licence: 'CC-BY-NC-4.0' })
  for (const id of ['1', '2']) await insert(api.db, Contribution, { id, datanetId: id })
  await insert(api.db, ModelVersion, { id: '1', modelId: '1' })
  for (const contributionId of ['1', '2'])
    await insert(api.db, VersionInfluence, { id: `1-${contributionId}`, versionId: '1', contributionId })
  const { data } = await api.ask(`{
    model(id: "1") { licences { model base data conflict } }
    unread: model(id: "2") { licences { model } }
    datanets { nodes { id licenceConflict } }
    modelVersion(id: "1") { licences { data conflict } } }`)
  const conflict = 'The samples: CC-BY-NC-4.0 allows no commercial use, and the model is served for fees.'
  expect(data).toEqual({
    model: { licences: { model: 'CC-BY-4.0', base: 'Apache-2.0', data: [], conflict: null } },
    unread: { licences: null },
    datanets: {
      nodes: [
        { id: '1', licenceConflict: null },
        { id: '2', licenceConflict: conflict },
      ],
    },
    modelVersion: { licences: { data: ['CC-BY-NC-4.0', 'CC0-1.0'], conflict } },
  })
  const of = async (first: number) => {
    api.statements()
    await api.ask(
      `{ models(first: ${first}) { nodes { licences { base } } } datanets(first: ${first}) { nodes { licenceConflict } } }`,
    )
    return api.statements().length
  }
  await of(2)
  expect(await of(2), 'the specifications of a list are one statement').toBe(await of(1))
})
