import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Weights } from '#engine/formats/weights.ts'
import { onnxRuntime } from '#engine/graph/index.ts'
import { smallConfig } from '#engine/model/config.ts'
import { loraConfig, mergeAdapter } from '#engine/model/lora.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { Random } from '#math/random.ts'
import { must } from '#test/must.ts'
import { readTrainingCheckpoint, writeTrainingCheckpoint } from './checkpoint.ts'
import { drawFactors } from './dropout.ts'
import { completionRow } from './rows.ts'
import { type StepReport, TrainingRun } from './run.ts'
import { packExamples, packedSupervised, type SupervisedExample, supervised } from './supervised.ts'
import { Trainer, type TrainerOptions } from './trainer.ts'

const config = smallConfig({
  vocab_size: 32,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  initializer_range: 0.2,
})
const weights = initialWeights(config, 1)
const lora = loraConfig({ rank: 4 })
const runner = onnxRuntime({ device: 'cpu', threads: 2 })

const trainerOf = (options: Partial<TrainerOptions<SupervisedExample>> = {}) =>
  new Trainer<SupervisedExample>({ config, weights, objective: supervised, seed: 1, microBatch: 4, runner, ...options })

/** Counting: the completion continues the sequence of the prompt. It can be learned, and has many lengths. */
function counting(count: number, seed = 5): SupervisedExample[] {
  const random = new Random(seed)
  return Array.from({ length: count }, () => {
    const [start, stride] = [random.integer(32), 1 + random.integer(3)]
    const ids = Array.from({ length: 8 + random.integer(12) }, (_, i) => (start + stride * i) % 32)
    return completionRow(ids.slice(0, 3), ids.slice(3))
  })
}

async function all(run: TrainingRun<SupervisedExample>, signal?: AbortSignal): Promise<StepReport[]> {
  const reports: StepReport[] = []
  for await (const report of run.start(signal)) reports.push(report)
  return reports
}

const bytesOf = (values: Weights) =>
  Array.from(
    values,
    ([name, { data }]) => `${name} ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')}`,
  )

const worst = (a: Weights, b: Weights) =>
  Math.max(
    ...Array.from(a, ([name, { data }]) =>
      Math.max(...data.map((value, i) => Math.abs(value - must(must(b.get(name)).data[i])))),
    ),
  )

describe.each([
  ['every weight', undefined],
  ['an adapter', lora],
])('training %s', (_, adapter) => {
  test('lowers the loss on training data and on unseen data', async () => {
    const trainer = trainerOf({ lora: adapter })
    const run = new TrainingRun(trainer, {
      examples: counting(64),
      batchSize: 8,
      epochs: 6,
      learningRate: 2e-2,
      evaluation: { examples: counting(16, 99), every: 16 },
    })
    const reports = await all(run)
    expect(reports).toHaveLength(48)
    expect(must(reports.at(-1)).loss).toBeLessThan(must(reports[0]).loss * 0.6)
    const evaluations = reports.flatMap(({ evaluation }) => (evaluation ? [evaluation.loss] : []))
    expect(evaluations).toHaveLength(3)
    expect(evaluations[2]).toBeLessThan(must(evaluations[0]))
    await trainer.release()
  })

  test('stopped at any step and resumed from its file, it ends with the same bytes', async () => {
    const plan = { examples: counting(13), batchSize: 5, epochs: 3, learningRate: 1e-2 }
    const undisturbed = trainerOf({ lora: adapter })
    await all(new TrainingRun(undisturbed, plan))
    const expected = await undisturbed.state()
    const folder = await mkdtemp(join(tmpdir(), 'checkpoint-'))
    for (const stopAt of [1, 3, 4, 8]) {
      const first = new TrainingRun(trainerOf({ lora: adapter }), plan)
      for await (const { step } of first.start()) if (step === stopAt) break
      const path = join(folder, `${stopAt}.safetensors`)
      await writeTrainingCheckpoint(path, await first.checkpoint())

      const second = new TrainingRun(trainerOf({ lora: adapter }), plan)
      second.restore(await readTrainingCheckpoint(path))
      expect(second.trainer.step).toBe(stopAt)
      await all(second)
      const actual = await second.trainer.state()
      expect(actual.step).toBe(9)
      for (const part of ['parameters', 'firstMoments', 'secondMoments'] as const)
        expect(bytesOf(actual[part])).toEqual(bytesOf(expected[part]))
    }
    const twice = [join(folder, 'a'), join(folder, 'b')]
    const run = new TrainingRun(undisturbed, plan)
    for (const path of twice) await writeTrainingCheckpoint(path, await run.checkpoint())
    expect(await readFile(must(twice[0]))).toEqual(await readFile(must(twice[1])))
    await rm(folder, { recursive: true })
  })

  test('many micro-batches make the same step as one batch', async () => {
    const examples = counting(8).map((example, index) => ({ ...example, weight: index / 4 }))
    const whole = trainerOf({ lora: adapter, microBatch: 8 })
    const parts = trainerOf({ lora: adapter, microBatch: 3 })
    const [a, b] = [await whole.apply(examples, 1e-2), await parts.apply(examples, 1e-2)]
    expect(b.loss).toBeCloseTo(a.loss, 5)
    expect(b.gradientNorm).toBeCloseTo(a.gradientNorm, 4)
    const [x, y] = [await whole.state(), await parts.state()]
    expect(worst(x.firstMoments, y.firstMoments)).toBeLessThan(1e-6)
  })
})

test('an example of weight 0 changes nothing, and weight 2 is the example twice', async () => {
  const [a, b] = counting(2) as [SupervisedExample, SupervisedExample]
  const only = trainerOf({ lora })
  const silent = trainerOf({ lora })
  const expected = await only.apply([a], 1e-2)
  const actual = await silent.apply([a, { ...b, weight: 0 }], 1e-2)
  expect(actual.loss).toBeCloseTo(expected.loss, 6)
  expect(worst((await silent.state()).firstMoments, (await only.state()).firstMoments)).toBeLessThan(1e-7)

  const heavy = await trainerOf({ lora }).evaluate([{ ...a, weight: 2 }, b])
  const twice = await trainerOf({ lora }).evaluate([a, a, b])
  expect(heavy.loss).toBeCloseTo(twice.loss, 6)
  const none = await trainerOf({ lora }).apply([{ ...a, weight: 0 }], 1e-2)
  expect(none).toMatchObject({ loss: 0, gradientNorm: 0 })
})

test('only the completion is learned: prompt tokens have no gradient of their own', async () => {
  const row = completionRow([1, 2, 3], [4, 5])
  const trainer = trainerOf({ lora })
  const both = await trainer.evaluate([row])
  const each = await Promise.all(
    [4, 5].map((_, k) => trainer.evaluate([{ ids: row.ids, mask: [0, 0, 0, +(k === 0), +(k === 1)] }])),
  )
  expect(both.loss).toBeCloseTo((must(each[0]).loss + must(each[1]).loss) / 2, 5)
})

test('packed rows give the same loss and gradient as separate texts', async () => {
  const examples = counting(9).map((example, index) => ({ ...example, weight: 1 + (index % 3) }))
  const apart = trainerOf({ lora, microBatch: 9 })
  const rows = packExamples(examples, 48)
  expect(rows.length).toBeLessThan(5)
  expect(rows.flat()).toHaveLength(9)
  const packed = new Trainer({ config, weights, lora, objective: packedSupervised, seed: 1, microBatch: 2, runner })
  const [a, b] = [await apart.apply(examples, 1e-2), await packed.apply(rows, 1e-2)]
  expect(b.loss).toBeCloseTo(a.loss, 5)
  expect(worst((await apart.state()).firstMoments, (await packed.state()).firstMoments)).toBeLessThan(1e-6)
  expect(() => packExamples(examples, 5)).toThrow('does not fit in a row of 5')
})

test('dropout is drawn from the seed and the step, leaves evaluation alone, and resumes exactly', async () => {
  const plan = { examples: counting(12), batchSize: 4, steps: 6, learningRate: 1e-2 }
  const undisturbed = trainerOf({ lora, dropout: 0.3 })
  const reports = await all(new TrainingRun(undisturbed, plan))
  const plain = await all(new TrainingRun(trainerOf({ lora }), plan))
  expect(must(reports[0]).loss).toBeCloseTo(must(plain[0]).loss, 5) // B is zero, so dropout has no effect yet
  expect(must(reports[5]).loss).not.toBeCloseTo(must(plain[5]).loss, 5)
  const first = new TrainingRun(trainerOf({ lora, dropout: 0.3 }), plan)
  for await (const { step } of first.start()) if (step === 3) break
  const second = new TrainingRun(trainerOf({ lora, dropout: 0.3 }), plan)
  second.restore(await first.checkpoint())
  await all(second)
  expect(bytesOf(await second.trainer.parameters())).toEqual(bytesOf(await undisturbed.parameters()))
  const merged = mergeAdapter(weights, lora, await undisturbed.parameters())
  const expected = await trainerOf({ weights: merged, lora }).evaluate(plan.examples)
  expect((await undisturbed.evaluate(plan.examples)).loss).toBeCloseTo(expected.loss, 5)
  expect(() => trainerOf({ dropout: 0.1 })).toThrow('needs an adapter')

  const factors = drawFactors(new Random(1), 20_001, 0.25)
  const kept = factors.filter((value) => value !== 0)
  expect(new Set(kept)).toEqual(new Set([Math.fround(4 / 3)]))
  expect(kept.length / factors.length).toBeCloseTo(0.75, 1)
})

test('a merged adapter is the adapted model', async () => {
  const trainer = trainerOf({ lora })
  const examples = counting(8)
  for (let i = 0; i < 5; i++) await trainer.apply(examples, 1e-2)
  const { loss } = await trainer.evaluate(examples)
  const merged = mergeAdapter(weights, lora, await trainer.parameters())
  expect((await trainerOf({ weights: merged, lora }).evaluate(examples)).loss).toBeCloseTo(loss, 5)
})

test('an abort ends the stream between runs, and the run can be started again to the same end', async () => {
  const plan = { examples: counting(12), batchSize: 4, steps: 6, learningRate: 1e-2 }
  const calm = trainerOf({ lora })
  await all(new TrainingRun(calm, plan))
  const trainer = trainerOf({ lora })
  const run = new TrainingRun(trainer, plan)
  const stop = new AbortController()
  await expect(async () => {
    for await (const { step } of run.start(stop.signal)) if (step === 2) stop.abort(new Error('enough'))
  }).rejects.toThrow('enough')
  expect(trainer.step).toBe(2)
  await all(run)
  expect(bytesOf(await trainer.parameters())).toEqual(bytesOf(await calm.parameters()))
})

test('a loss that is not finite throws and leaves the weights unchanged', async () => {
  const trainer = trainerOf({ optimiser: { maxGradientNorm: Number.POSITIVE_INFINITY } })
  const examples = counting(4)
  await trainer.apply(examples, 1e30)
  const before = bytesOf(await trainer.parameters())
  await expect(trainer.apply(examples, 1e30)).rejects.toThrow(/Step 2: the loss is .* Reduce the learning rate/)
  expect(bytesOf(await trainer.parameters())).toEqual(before)
  expect(trainer.step).toBe(1)
})

test('training stops early when evaluation no longer improves', async () => {
  const run = new TrainingRun(trainerOf({ lora }), {
    examples: counting(8),
    batchSize: 8,
    steps: 50,
    learningRate: 0.5,
    evaluation: { examples: counting(8, 77), every: 1, patience: 2 },
  })
  const reports = await all(run)
  const losses = reports.map(({ evaluation }) => must(evaluation).loss)
  expect(reports.length).toBeLessThan(50)
  expect(Math.min(...losses)).toBe(losses.at(-3))
})

test('an invalid plan or checkpoint is refused', async () => {
  const [good] = counting(1)
  const plan = { examples: [good], batchSize: 1, steps: 2, learningRate: 1e-2 }
  const trainer = trainerOf({ lora })
  expect(() => new TrainingRun(trainer, { ...plan, examples: [] })).toThrow('no examples')
  expect(() => new TrainingRun(trainer, { ...plan, epochs: 2 })).toThrow('either epochs or steps')
  expect(() => new TrainingRun(trainer, { ...plan, batchSize: 0 })).toThrow('a whole number of at least 1')
  const bad = (example: SupervisedExample) => () => new TrainingRun(trainer, { ...plan, examples: [good, example] })
  expect(bad({ ids: [1], mask: [1] })).toThrow('Example 1: An example needs at least two tokens')
  expect(bad({ ids: [1, 2.5], mask: [0, 1] })).toThrow('Token 1 of an example is 2.5')
  expect(bad({ ids: [1, 2], mask: [1] })).toThrow('mask has 1 entries for its 2 tokens')
  expect(bad({ ids: [1, 2], mask: [1, 0] })).toThrow('no token to learn')
  expect(bad({ ids: [1, 2], mask: [0, 1], weight: -1 })).toThrow('weight of an example is -1')
  const long = new Array<number>(3000).fill(1)
  expect(bad({ ids: long, mask: long })).toThrow('Example 1: A row of 2999 tokens exceeds the limit of 2048')
  await expect(trainer.apply([{ ids: [1, 99], mask: [0, 1] }], 1)).rejects.toThrow('ids run from 0 to 31')
  await expect(trainer.apply([{ ids: new Array(3000).fill(1), mask: new Array(3000).fill(1) }], 1)).rejects.toThrow(
    'exceeds the limit of 2048',
  )
  const saved = await new TrainingRun(trainer, plan).checkpoint()
  expect(() => new TrainingRun(trainer, { ...plan, steps: 3 }).restore(saved)).toThrow(
    'The checkpoint belongs to a run with steps 2; this run has 3',
  )
})
