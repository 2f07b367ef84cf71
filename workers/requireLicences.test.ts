import { join } from 'node:path'
import { expect, test } from 'vitest'
import { documentBytes } from '#schema/documents.ts'
import { Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Mandate, Model, ModelVersion } from '#schema/onchain/models.ts'
import { insert, insertChain } from '#test/factory.ts'
import type { Dependencies } from './dependencies.ts'
import { fineTuneHandler } from './handlers/fineTune.ts'
import { rlhfHandler } from './handlers/rlhf.ts'
import type { JobContext } from './job.ts'
import { testWorker } from './test/testWorker.ts'

const hash = (digit: string) => `0x${digit.repeat(64)}`

/** Version 1 of a model under CC0-1.0, which learned from the only sample of a datanet. */
async function versionOf({ data = 'CC0-1.0', baseLicence = 'CC0-1.0' }) {
  const { db, artifacts, folder } = await testWorker()
  const document = (value: unknown) => artifacts.put(documentBytes(value))
  const sealed = await document({ salt: hash('5'), items: [{ prompt: 'sealed', completion: 'c' }] })
  const metrics = [{ name: 'exact', kind: 'exact' }]
  const rubric = await document({ metrics, test: sealed, validation: sealed, maxTokens: 4 })
  const samples = { description: 'any', completionPattern: '.*', topic: [], maxPromptLength: 400 }
  const named = { name: 'Clerk', purpose: 'To test.', licence: 'CC0-1.0', baseLicence, integration: 'none' }
  const specHash = await document({ ...named, baseModel: hash('b'), rubric, samples })
  const hashes = {
    baseModel: hash('b'),
    adapter: hash('a'),
    datasetRoot: hash('d'),
    codeHash: hash('c'),
    sketches: null,
  }
  const run = { parentVersionId: null, method: 'lora', dataset: ['1'], evidence: [], weights: [] }
  const manifestHash = await document({ ...run, ...hashes, modelId: '1', configuration: {}, metrics: {} })
  await insertChain(db, 5)
  await insert(db, Model, { id: '1', specHash })
  await insert(db, Mandate, { id: '1', modelId: '1', rubricHash: rubric })
  await insert(db, ModelVersion, { id: '1', modelId: '1', manifestHash })
  await insert(db, Datanet, { id: '1', modelId: '1', licence: data })
  const contentHash = await document({ completion: 'a', prompt: 'q' })
  await insert(db, Contribution, { id: '1', datanetId: '1', status: 'Accepted', contentHash })
  const begun: string[] = []
  const engine = {
    async run(task: string) {
      begun.push(task)
      throw new Error(`${task} begins`)
    },
  }
  const dependencies = { cache: join(folder, 'cache'), engine } as unknown as Dependencies
  const job = { db, artifacts, report() {} }
  return {
    begun,
    fineTune: () =>
      fineTuneHandler(dependencies)({
        ...{ ...job, input: { modelId: '1', datanetId: '1' } },
      } as unknown as JobContext<'fineTune'>),
    rlhf: () => rlhfHandler(dependencies)({ ...job, input: { versionId: '1' } } as unknown as JobContext<'rlhf'>),
  }
}

test.each([
  ['the samples', { data: 'CC-BY-NC-4.0' }, /^The samples: CC-BY-NC-4\.0 .* The model would be under CC0-1\.0\./],
  [
    'the base model',
    { baseLicence: 'GPL-3.0-only' },
    /^The base model: .*GPL-3\.0-only.* The model would be under CC0-1\.0\./,
  ],
])(
  'neither training nor alignment begins while the licence of %s does not allow that of the model',
  async (_, licences, message) => {
    const { fineTune, rlhf, begun } = await versionOf(licences)
    for (const handle of [fineTune, rlhf])
      await expect(handle()).rejects.toMatchObject({
        code: 'LICENCE_CONFLICT',
        message: expect.stringMatching(message),
      })
    expect(begun).toEqual([])
  },
)

test('what fits is not held up by its licence', async () => {
  const { fineTune, rlhf } = await versionOf({})
  await expect(fineTune()).rejects.toMatchObject({ code: 'BASE_MODEL_MISSING' })
  await expect(rlhf()).rejects.toMatchObject({ code: 'NO_PREFERENCES' })
})
