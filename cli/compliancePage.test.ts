import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { contribute, createDatanet, listContributions } from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { contents } from '#client/test/contents.ts'
import { hashOf, OPERATOR } from '#contracts/test/world.ts'
import { until } from '#indexer/test/follow.ts'
import { newFolder } from '#model/test/newFolder.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { documentBytes } from '#schema/documents.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { pageSteps, readPage, runSteps, type StepHooks } from '#test/docsPage.ts'
import { insertAll } from '#test/factory.ts'
import { keyOf } from './test/program.ts'

const GIVER = 4

test('every command of docs/compliance.md does what the page says', async () => {
  const { url, world, folder, modelId, db, as } = await clientSystem()
  const giver = await as(GIVER)
  const datanetId = await createDatanet(giver, { modelId, licence: 'CC0-1.0', minStake: 0n })
  await contribute(giver, { datanetId, samples: contents('letter', 3) })
  const given = await listContributions(giver, { datanetId })
  const dataset = given.map(({ id }) => id)
  const artifacts = localStore(join(folder, 'artifacts'))
  const store = (document: object) => artifacts.put(documentBytes(document))
  const specHash = await store({
    ...{
      name: 'Letters',
      purpose: 'To sort letters.',
      integration: 'none',
      baseModel: hashOf('base'),
      rubric: hashOf('rubric'),
    },
    ...{
      licence: 'CC-BY-4.0',
      baseLicence: 'Apache-2.0',
      samples: { description: 'Letters.', completionPattern: '.*', topic: [], maxPromptLength: 400 },
    },
  })
  await db.query('update model set spec_hash = $1', [specHash])
  const manifestHash = await store({
    ...{
      modelId: String(modelId),
      parentVersionId: null,
      method: 'sft',
      baseModel: hashOf('base'),
      adapter: hashOf('adapter'),
    },
    ...{ datasetRoot: hashOf('dataset'), dataset, evidence: [], configuration: {}, metrics: {} },
    ...{ sketches: null, weights: [], codeHash: hashOf('code') },
  })
  const hashes = [hashOf('dataset'), manifestHash as Hex, hashOf('adapter')] as const
  await world.send(OPERATOR.address, 'ModelRegistry', 'registerVersion', [modelId, 0n, 'sft', ...hashes])
  await until('the version is indexed', async () => (await db.query('select from model_version')).rowCount === 1)
  await insertAll(
    db,
    VersionInfluence,
    dataset.map((id) => ({ id: `1-${id}`, versionId: '1', contributionId: id })),
  )

  await writeFile(join(folder, 'samples.jsonl'), '{"prompt": "Where is my letter?", "completion": "We look for it."}\n')
  await rename((await newFolder()).path, join(folder, 'my-model'))
  const told: Record<string, string> = {}
  const keep = (name: string) => (output: string) => void (told[name] = output)
  const after: StepHooks = {
    '{ model(': keep('licences'),
    takedowns: keep('takedowns'),
    '{ endpoints': keep('endpoints'),
    'document card.md': keep('card'),
  }
  const names = {
    ...{ DATANET: String(datanetId), MODEL: String(modelId), VERSION: '1', HOST: OPERATOR.address },
    ...{ SAMPLE: given[0]?.contentHash ?? '', CONTRIBUTION: dataset[1] ?? '' },
  }
  const env = { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder, DATABASE_URL: db.url, MODELCOMMONS_KEY: keyOf(GIVER) }
  await runSteps(pageSteps(await readPage('compliance.md')), { cwd: folder, env, api: url, names, after: [after] })
  expect(JSON.parse(told.licences ?? '').modelVersion.licences).toMatchObject({ model: 'CC-BY-4.0', data: ['CC0-1.0'] })
  expect(told.takedowns).toContain('It names a person who did not agree.')
  expect(told.card).toContain('3, of which 1 were taken down or withdrawn since')
  const sheet = JSON.parse(await readFile(join(folder, 'croissant.json'), 'utf8'))
  expect(sheet.license).toEqual(['CC0-1.0'])
}, 300_000)
