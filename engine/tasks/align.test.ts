import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { alignTask } from './align.ts'
import type { AlignTaskInput } from './alignInput.ts'
import { fineTuneTask } from './fineTune.ts'
import { colourPairs, tinyModel } from './test/tinyModel.ts'
import { winRateTask } from './winRate.ts'

let model: Awaited<ReturnType<typeof tinyModel>>
const quiet = () => ({ emit: () => {}, signal: new AbortController().signal })
const prompts = colourPairs(24).map(({ prompt }) => prompt)

/** Preferences for the form of `colourPairs` over the form of the base model. */
const pairs = colourPairs(24).map(({ prompt, completion }, index) => ({
  prompt,
  chosen: completion,
  rejected: must(colourPairs(24, 'shade: ')[index]).completion,
  weight: 0.9,
  noise: 0.05,
}))

const input = (method: AlignTaskInput['method'], out: string): AlignTaskInput => ({
  baseFolder: model.baseFolder,
  adapterFolder: join(model.folder, 'start'),
  method,
  pairs,
  prompts,
  training: { steps: 6, promptsPerStep: 4, numGenerations: 4, beta: 0.02, learningRate: 0.01, maxTokens: 10, seed: 1 },
  checkpointFile: join(model.folder, `${out}.checkpoint`),
  checkpointEvery: 1000,
  outFolder: join(model.folder, out),
})
const bytes = (out: string) => readFile(join(model.folder, out, 'adapter_model.safetensors'))

beforeAll(async () => {
  model = await tinyModel()
  // The adapter answers in both forms, so that samples differ in reward.
  const samples = [...colourPairs(16), ...colourPairs(16, 'shade: ')]
  const training = { epochs: 6, batchSize: 8, learningRate: 0.01, seed: 1 }
  const { baseFolder, folder } = model
  await fineTuneTask({ baseFolder, samples, lora: { rank: 4 }, training, outFolder: join(folder, 'start') }, quiet())
})
afterAll(() => model.remove())

test('a policy increases the reward of a reward model trained on preferences', async () => {
  const { metrics } = await alignTask(input('rloo', 'whole'), quiet())
  expect(metrics.rewardAccuracy).toBeGreaterThan(0.6)
  expect(metrics.rewardAfter).toBeGreaterThan(must(metrics.rewardBefore))
  expect(Number.isFinite(metrics.kl)).toBe(true)
})

test.each([2, 5])('alignment stopped at update %i and restarted produces the same bytes', async (stop) => {
  const abort = new AbortController()
  const out = `stopped${stop}`
  const stopped = alignTask(input('rloo', out), {
    signal: abort.signal,
    emit: (event) =>
      event.type === 'metric' && event.name === 'reward' && event.step === stop && abort.abort(new Error('enough')),
  })
  await expect(stopped).rejects.toThrow('enough')
  await alignTask(input('rloo', out), quiet())
  expect((await bytes(out)).equals(await bytes('whole'))).toBe(true)
})

test('DPO makes chosen answers more likely than rejected ones', async () => {
  const direct = input('dpo', 'direct')
  const plan = { ...direct, training: { ...direct.training, steps: 15, promptsPerStep: 8, beta: 0.1 } }
  const { adapterFolder, metrics } = await alignTask(plan, quiet())
  expect(metrics.accuracy).toBeGreaterThan(0.8)
  expect(metrics.margin).toBeGreaterThan(0)
  expect(adapterFolder).toBe(direct.outFolder)
  // With chosen and rejected exchanged, the same run learns the opposite.
  const turned = pairs.map(({ chosen, rejected, ...pair }) => ({ ...pair, chosen: rejected, rejected: chosen }))
  const opposite = { ...plan, ...input('dpo', 'opposite'), training: plan.training, pairs: turned }
  expect((await alignTask(opposite, quiet())).metrics.margin).toBeGreaterThan(0)
  expect((await bytes('opposite')).equals(await bytes('direct'))).toBe(false)
})

test('alignment without pairs, without prompts, or with a noise of 0.5 is rejected', async () => {
  await expect(alignTask({ ...input('rloo', 'x'), pairs: [] }, quiet())).rejects.toThrow(/no preferences/)
  await expect(alignTask({ ...input('grpo', 'x'), prompts: [] }, quiet())).rejects.toThrow(/at least one prompt/)
  const noisy = { ...input('rloo', 'x'), pairs: [{ ...must(pairs[0]), noise: 0.5 }] }
  await expect(alignTask(noisy, quiet())).rejects.toThrow(/noise of a pair is 0.5/)
})

test('an adapter that was aligned with preferences wins over the one before, and over itself it wins half', async () => {
  await alignTask(
    { ...input('dpo', 'winner'), training: { ...input('dpo', '').training, steps: 15, beta: 0.1 } },
    quiet(),
  )
  const { folder, baseFolder } = model
  const rateOf = (adapter: string, against: string) =>
    winRateTask(
      {
        ...{ baseFolder, adapterFolder: join(folder, adapter), againstFolder: join(folder, against), pairs },
        ...{ items: colourPairs(40).slice(24), maxTokens: 10, seed: 3 },
      },
      quiet(),
    )
  const itself = await rateOf('start', 'start')
  expect(itself).toMatchObject({ name: 'winRate', score: 0.5, n: 16 })
  const winner = await rateOf('winner', 'start')
  expect(winner.lower).toBeGreaterThan(0.5)
  expect(winner.upper).toBeGreaterThanOrEqual(winner.score)
  expect((await rateOf('start', 'winner')).upper).toBeLessThan(0.5)
})
