import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { EngineProcess } from '#engine/process/index.ts'
import { colourPairs, tinyModel } from '#engine/tasks/test/tinyModel.ts'
import { documentBytes, getDocument, manifestDocument } from '#schema/documents.ts'
import { storeFolder } from '#schema/folders.ts'
import { Commitment, Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Mandate, Model, ModelVersion } from '#schema/onchain/models.ts'
import { account, insert, insertChain } from '#test/factory.ts'
import type { JobContext } from '../job.ts'
import { recomputeDispute } from '../recomputeDispute.ts'
import { silent, testWorker } from '../test/testWorker.ts'
import { fineTuneHandler } from './fineTune.ts'

const hash = (digit: string) => `0x${digit.repeat(64)}`

test('what the samples of a version hold of another datanet of the model is measured with it and stated, so that the weights can be recomputed', async () => {
  const { db, artifacts, folder } = await testWorker()
  const model = await tinyModel({ positions: 512 })
  onTestFinished(() => model.remove())
  const engine = new EngineProcess()
  onTestFinished(() => engine.close())
  const document = (value: unknown) => artifacts.put(documentBytes(value))
  const sealed = await document({ salt: hash('5'), items: colourPairs(12) })
  const rubric = await document({
    metrics: [{ name: 'exact', kind: 'exact' }],
    test: sealed,
    validation: sealed,
    maxTokens: 4,
  })
  const samples = { description: 'any', completionPattern: '.*', topic: [], maxPromptLength: 400 }
  const named = { name: 'Clerk', purpose: 'To test.', licence: 'CC0-1.0', integration: 'none' }
  const baseModel = await storeFolder(artifacts, model.baseFolder)
  const specHash = await document({ ...named, baseModel, rubric, samples })
  await insertChain(db, 30)
  await insert(db, Model, { id: '1', specHash, proposer: account(3) })
  await insert(db, Mandate, { id: '1', modelId: '1', rubricHash: rubric })
  for (const id of ['1', '2'])
    await insert(db, Datanet, { id, modelId: '1', owner: account(3), comparison: 'prose', licence: 'CC0-1.0' })
  const words = (name: string) => Array.from({ length: 20 }, (_, i) => `${name}${i}`).join(' ')
  const given = [
    { datanetId: '1', prompt: 'thing one is red', completion: words('red') },
    { datanetId: '1', prompt: 'thing two is green', completion: words('green') },
    { datanetId: '2', prompt: 'thing one is red', completion: `${words('red')} ${words('noise')}` },
    { datanetId: '2', prompt: 'the sky of three is blue', completion: words('blue') },
  ]
  for (const [at, { datanetId, prompt, completion }] of given.entries()) {
    const [id, contributor] = [String(at + 1), account(7)]
    const position = `00000000${10 + at}-000000`
    await insert(db, Commitment, { id: `${hash(id)}-${contributor}`, commitment: hash(id), contributor, position })
    await insert(db, Contribution, {
      ...{ id, datanetId, contributor, commitment: hash(id), uniqueness: 1_000_000 },
      ...{ contentHash: await document({ prompt, completion }), status: 'Accepted', stake: 0n },
    })
  }
  const registered: string[] = []
  const chain = {
    async transact(_key: string, { args }: { args: string[] }) {
      registered.push(String(args[4]))
      return { events: [{ contract: 'ModelRegistry', name: 'VersionRegistered', args: { versionId: 1n } }] }
    },
  }
  const checkpointFolder = join(folder, 'checkpoint')
  await mkdir(checkpointFolder)
  const dependencies = { cache: join(folder, 'cache'), engine, deployment: undefined as never }
  const shared = { db, artifacts, chain, report() {}, metric() {}, alive() {}, log: silent }
  const put = ({ bytes }: { bytes: Uint8Array | string }) =>
    typeof bytes === 'string' ? artifacts.putFile(bytes) : artifacts.put(bytes)
  const training = { epochs: 1, batchSize: 2, learningRate: 0.001, seed: 1, rank: 2, alpha: 4 }
  await fineTuneHandler(dependencies as never)({
    ...{ ...shared, put, checkpointFolder, signal: new AbortController().signal },
    input: { modelId: '1', datanetId: '2', ...training },
  } as unknown as JobContext<'fineTune'>)

  const [manifestHash = ''] = registered
  const manifest = await getDocument(artifacts, manifestDocument, manifestHash)
  expect(manifest.dataset).toEqual(['3', '4'])
  expect(manifest.earlier?.map(({ contributionId }) => contributionId)).toEqual(['1'])
  expect(manifest.weights.map(({ contributionId }) => contributionId)).toEqual(['3', '4'])

  await insert(db, ModelVersion, { id: '1', modelId: '1', manifestHash, adapterHash: manifest.adapter })
  const dispute = { id: '1', subject: 'Version', subjectId: '1', openedAt: new Date() } as const
  const { findings } = await recomputeDispute(shared as unknown as JobContext<'resolveDispute'>, dependencies, dispute)
  const [weights] = findings.filter(({ ground }) => ground === 'weights')
  expect(weights?.recorded).toMatch(/^3:\d+ 4:\d+$/)
  expect(weights?.recomputed).toBe(weights?.recorded)
})
