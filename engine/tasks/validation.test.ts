import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { alignTask } from './align.ts'
import type { AlignTaskInput, AlignTraining } from './alignInput.ts'
import { evaluateTask } from './evaluate.ts'
import { fineTuneTask } from './fineTune.ts'
import { colourPairs, tinyModel } from './test/tinyModel.ts'
import { isLoss } from './validation.ts'

let model: Awaited<ReturnType<typeof tinyModel>>
const quiet = () => ({ emit: () => {}, signal: new AbortController().signal })

/** Preferences that contradict the skill: the colour is always red. */
const pairs = colourPairs(24).map(({ prompt, completion }) => ({
  prompt,
  chosen: 'colour | red',
  rejected: completion === 'colour | red' ? 'colour | black' : completion,
}))
const metrics = [{ name: 'exact', kind: 'exact' as const }]
const items = colourPairs(40)
const training: AlignTraining = {
  steps: 20,
  promptsPerStep: 8,
  numGenerations: 4,
  beta: 0.1,
  learningRate: 0.001,
  maxTokens: 10,
  seed: 1,
}
const input = (out: string, more: Partial<AlignTaskInput> = {}): AlignTaskInput => ({
  baseFolder: model.baseFolder,
  adapterFolder: join(model.folder, 'start'),
  method: 'dpo',
  pairs,
  prompts: colourPairs(24).map(({ prompt }) => prompt),
  training,
  outFolder: join(model.folder, out),
  ...more,
})
async function exactOf(out: string): Promise<number> {
  const { baseFolder, folder } = model
  const rubric = { metrics, maxTokens: 10 }
  const found = await evaluateTask({ baseFolder, adapterFolder: join(folder, out), items, rubric, seed: 1 }, quiet())
  return must(found.metrics[0]).score
}

beforeAll(async () => {
  model = await tinyModel()
  const { baseFolder, folder } = model
  const plan = { epochs: 12, batchSize: 8, learningRate: 0.01, seed: 1 }
  const outFolder = join(folder, 'start')
  await fineTuneTask({ baseFolder, samples: items, lora: { rank: 4 }, training: plan, outFolder }, quiet())
})
afterAll(() => model.remove())

test('preferences that contradict the skill destroy it; validation keeps a model that still has it', async () => {
  expect(await exactOf('start')).toBe(1)
  await alignTask(input('free'), quiet())
  expect(await exactOf('free')).toBeLessThan(0.6)
  const { metrics: found } = await alignTask(input('kept', { validation: { items, metrics } }), quiet())
  expect(found.chosenStep).toBeLessThan(training.steps)
  expect(await exactOf('kept')).toBeGreaterThan(0.85)
})

test('samples of the skill in every update keep it', async () => {
  const supervisedWeight = 20
  const mixed = input('mixed', { samples: colourPairs(32), training: { ...training, supervisedWeight } })
  await alignTask(mixed, quiet())
  expect(await exactOf('mixed')).toBeGreaterThan(0.85)
})

test('an alignment that keeps no admissible model fails, and says what to change', async () => {
  const far = { ...training, steps: 4, learningRate: 0.1 }
  const hopeless = alignTask(input('hopeless', { validation: { items, metrics }, training: far }), quiet())
  await expect(hopeless).rejects.toThrow(
    /significantly worse than the version at its start \(exact\).*supervisedWeight/,
  )
})

test('a policy gradient keeps the model whose validation answers have the highest reward', async () => {
  const curve: number[] = []
  const { metrics: found } = await alignTask(
    input('policy', { method: 'rloo', validation: { items, metrics }, training: { ...training, learningRate: 0.002 } }),
    {
      signal: new AbortController().signal,
      emit: (event) => event.type === 'metric' && event.name === 'validationScore' && curve.push(event.value),
    },
  )
  expect(curve.length).toBeGreaterThan(1)
  expect(found.chosenStep).toBeGreaterThan(0)
  expect(await exactOf('policy')).toBeGreaterThan(0.8)
})

test('a loss is what lies below zero at the upper end of its interval', () => {
  const gains = (lost: number, won: number) =>
    Array.from({ length: 128 }, (_, i) => (i < lost ? -1 : i < lost + won ? 1 : 0))
  expect(isLoss(gains(0, 0))).toBe(false)
  expect(isLoss(gains(12, 8))).toBe(false)
  expect(isLoss(gains(14, 3))).toBe(true)
  expect(isLoss(gains(3, 14))).toBe(false)
  // Items of one cluster fail together: eight failures of one text are one.
  expect(
    isLoss(
      gains(8, 0),
      gains(8, 0).map((gain, i) => (gain < 0 ? 'one text' : i)),
    ),
  ).toBe(false)
  expect(isLoss(gains(8, 0))).toBe(true)
})
