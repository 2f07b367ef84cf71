import { join } from 'node:path'
import { expect, test } from 'vitest'
import { documentBytes, type Manifest } from '#schema/documents.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { FeedbackTask } from '#schema/onchain/feedback.ts'
import { Target } from '#schema/onchain/models.ts'
import { account, insert, insertAll, insertChain } from '#test/factory.ts'
import type { VersionDetails } from '../modelLookup.ts'
import { testWorker } from '../test/testWorker.ts'
import { loadPreferences, loadTrainedSamples, loadValidation } from './rlhfData.ts'

const hash = (digit: string) => `0x${digit.repeat(64)}`

async function storage() {
  const { db, artifacts, folder } = await testWorker()
  await insertChain(db, 5)
  const document = (value: unknown) => artifacts.put(documentBytes(value))
  return { sources: { db, artifacts, cache: join(folder, 'cache') }, db, document }
}

test('preferences are what the judges weighed, and the opened gold tasks of this version with their better answers', async () => {
  const { sources, db, document } = await storage()
  const item = (prompt: string) => document({ prompt, answers: [`${prompt} 0`, `${prompt} 1`] })
  const [judged, first, second, foreign] = await Promise.all(['judged', 'first', 'second', 'foreign'].map(item))
  const keyOf = (golds: [item: string | undefined, gold: 0 | 1 | null][]) =>
    document({
      salt: hash('5'),
      tasks: golds.map(([one, gold]) => ({ item: one, gold, truth: null, versions: ['1', '1'] })),
    })
  const key = await keyOf([
    [judged, null],
    [first, 0],
    [second, 1],
  ])
  const earlier = await keyOf([[foreign, 0]])
  const evidenceHash = await document({
    versionId: '1',
    roundId: '2',
    epoch: 0,
    keys: [earlier, key],
    effectiveJudges: 2_000_000,
    validators: [],
    pairs: [{ taskId: '1', prompt: 'judged', chosen: 'a', rejected: 'b', weight: 800_000, noise: 100_000 }],
  })
  await insertAll(
    db,
    FeedbackTask,
    [judged, first, second].map((itemHash, i) => ({
      id: String(i + 1),
      versionId: '1',
      roundId: '2',
      itemHash,
      settled: true,
      evidenceHash,
    })),
  )
  await insert(db, FeedbackTask, { id: '9', versionId: '3', itemHash: foreign, settled: true })
  expect(await loadPreferences(sources, '1')).toEqual({
    evidenceHashes: [evidenceHash],
    pairs: [
      { prompt: 'judged', chosen: 'a', rejected: 'b', weight: 0.8, noise: 0.1 },
      { prompt: 'first', chosen: 'first 0', rejected: 'first 1' },
      { prompt: 'second', chosen: 'second 1', rejected: 'second 0' },
    ],
  })
  expect(await loadPreferences(sources, '3')).toEqual({ evidenceHashes: [], pairs: [] })
})

test('samples are those of the dataset that count and are not excluded; all of them when none counts', async () => {
  const { sources, db, document } = await storage()
  const samples = ['one', 'two', 'three'].map((prompt) => ({ prompt, completion: `${prompt}.` }))
  const contents = await Promise.all(samples.map(document))
  await insertAll(
    db,
    Contribution,
    contents.map((contentHash, i) => ({
      id: String(i + 1),
      status: 'Accepted',
      contributor: account(7),
      contentHash,
      excluded: i === 2,
    })),
  )
  const manifest = (weights: number[]) =>
    ({
      dataset: ['1', '2', '3'],
      weights: weights.map((weight, i) => ({ contributionId: String(i + 1), weight: String(weight) })),
    }) as Manifest
  expect(await loadTrainedSamples(sources, manifest([0, 5, 7]))).toEqual([samples[1]])
  expect(await loadTrainedSamples(sources, manifest([0, 0, 0]))).toEqual([samples[0], samples[1]])
})

test('only the metrics of the mandate that may not fall are kept; without one there is no validation', async () => {
  const { sources, db, document } = await storage()
  const items = [{ prompt: 'p', completion: 'c' }]
  const validation = await document({ salt: hash('5'), items })
  const metrics = ['exact', 'short', 'polite'].map((name) => ({ name, kind: 'exact' as const }))
  await insertAll(db, Target, [
    { id: '1-exact', modelId: '1', metric: 'exact', mayFall: false },
    { id: '1-short', modelId: '1', metric: 'short', mayFall: true },
    { id: '2-exact', modelId: '2', metric: 'exact', mayFall: true },
  ])
  const details = (id: string) => ({ model: { id }, rubric: { metrics, validation } }) as VersionDetails
  expect(await loadValidation(sources, details('1'))).toEqual({ items, metrics: [metrics[0]] })
  expect(await loadValidation(sources, details('2'))).toBeUndefined()
})
