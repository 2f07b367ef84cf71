import { canonicalSample } from '#rules/sample.ts'
import { documentBytes } from '#schema/documents.ts'
import { Takedown } from '#schema/offchain/removals.ts'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Evaluation, Model, ModelVersion, Target } from '#schema/onchain/models.ts'
import { account, insert, insertChain } from '#test/factory.ts'
import { testApi } from './api.ts'

const hash = (digit: string) => `0x${digit.repeat(64)}`
const AT = new Date('2026-05-04T03:02:01Z')

/** Version 2 of a model with this card, trained from version 1 on three samples, of which one was taken down, and evaluated. */
export async function describedVersion({ card: cardText = 'The proposer’s own words.' } = {}) {
  const api = await testApi()
  await insertChain(api.db, 5)
  const document = (value: unknown) => api.artifacts.put(documentBytes(value))
  const card = await api.artifacts.put(new TextEncoder().encode(cardText))
  const specHash = await document({
    ...{ name: 'Clerk # | of\nletters', purpose: 'To sort "letters": all of them.', integration: 'Send a letter.' },
    ...{ baseModel: hash('b'), rubric: hash('c'), licence: 'CC-BY-4.0', baseLicence: 'Apache-2.0', card },
    samples: { description: 'A letter and its kind.', completionPattern: '.*', topic: [], maxPromptLength: 400 },
  })
  const manifestHash = await document({
    ...{ modelId: '1', parentVersionId: '1', method: 'sft', baseModel: hash('b'), adapter: hash('a') },
    ...{ datasetRoot: hash('d'), dataset: ['1', '2', '3'], evidence: [], configuration: { seed: 1 }, metrics: {} },
    ...{ sketches: null, weights: [], codeHash: hash('e') },
  })
  const removedText = 'Dear Mr Removed'
  const names = await Promise.all(
    ['Dear “Ada”', 'Cher\nBela', removedText].map((prompt) =>
      api.artifacts.put(new TextEncoder().encode(canonicalSample({ prompt, completion: 'kind' }))),
    ),
  )
  await insert(api.db, Model, { id: '1', specHash, proposer: account(1) })
  await insert(api.db, Target, { id: '1-exact', modelId: '1', metric: 'exact', minimum: 700_000n })
  await insert(api.db, Datanet, { id: '1', modelId: '1', licence: 'CC0-1.0', owner: account(1) })
  for (const [at, contentHash] of names.entries())
    await insert(api.db, Contribution, {
      ...{ id: String(at + 1), datanetId: '1', contributor: account(at + 2), contentHash, status: 'Accepted' },
    })
  await insert(api.db, ModelVersion, { id: '1', modelId: '1', manifestHash: hash('9') })
  await insert(api.db, ModelVersion, {
    ...{ id: '2', modelId: '1', parentId: '1', method: 'sft', status: 'Registered', rollbackReason: null },
    ...{ datasetRoot: hash('d'), adapterHash: hash('a'), manifestHash, registeredAt: AT },
  })
  await insert(api.db, Evaluation, {
    ...{ id: '1', versionId: '2', rubricHash: hash('c'), metric: 'exact', logHash: hash('f'), loggedAt: AT, n: 100 },
    ...{ score: 800_000n, lower: 710_000n, upper: 860_000n },
  })
  await insert(api.db, Takedown, { id: names[2] ?? '', liftedAt: null, liftedBy: null, liftReason: null })
  const read = async (name: string) => (await fetch(`${api.url}/versions/2/${name}`)).text()
  return { api, read, removedText }
}
