// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { expect, test } from 'vitest'
import type { Weights } from '#engine/formats/weights.ts'
import { onnxRuntime } from '#engine/graph/index.ts'
import { smallConfig } from '#engine/model/config.ts'
import { adapterShapes, loraConfig } from '#engine/model/lora.ts'
import { initialWeights } from '#engine/model/parameters.ts'
import { SequenceScorer } from '#engine/model/scorer.ts'
import { CountSketch } from '#engine/stats/countSketch.ts'
import { Sketches } from '#engine/stats/sketches.ts'
import { completionRow } from '#engine/train/rows.ts'
import { Random } from '#math/random.ts'
import { must } from '#test/must.ts'
import { DataInf } from './dataInf.ts'
import { CONTRAST, type GradientBlock, gradientBlocks, scaleOf } from './gradientBlocks.ts'
import { ExampleGradients } from './gradients.ts'
import { estimateInfluences, influences } from './influence.ts'
import { SketchedInfluence } from './sketchedInfluence.ts'
import { tracIn } from './test/tracIn.ts'

const config = smallConfig({ vocab_size: 60, hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 2 })
const weights = initialWeights(config, 1)
const lora = loraConfig({ rank: 2, targetModules: ['q_proj', 'down_proj'] })
const random = new Random('explain')
/** Small enough that the loss is linear, large enough that rounding does not matter. */
const STEP = 0.1
/** An adapter without zero parts, so that no gradient is zero. */
const adapterFrom = (seed: string): Weights =>
  new Map(
    Array.from(adapterShapes(config, lora), ([name, shape]) => {
      const data = new Random(`${seed}/${name}`).fillUniform(
        new Float32Array(must(shape[0]) * must(shape[1])),
        -0.2,
        0.2,
      )
      return [name, { shape, data }]
    }),
  )
const adapter = adapterFrom('end')
const model = { config, weights, lora, adapter }
const rowOf = (length: number) =>
  completionRow(
    Array.from({ length: 3 }, () => random.integer(60)),
    Array.from({ length }, () => random.integer(60)),
  )
const training = [2, 5, 3, 4].map(rowOf)
const validation = [3, 2, 6].map(rowOf)
const against = [4, 2, 5].map(rowOf)

async function blocksOf(options = {}) {
  const gradients = new ExampleGradients({ ...model, runner: onnxRuntime(), batch: 2 })
  try {
    return await gradientBlocks(gradients, training, validation, options)
  } finally {
    await gradients.release()
  }
}

/** For each row, the sum of the negative log-probabilities of the learned tokens. */
async function lossesOf(rows: typeof training, moved: Weights): Promise<number[]> {
  const scorer = new SequenceScorer({ config, weights, lora, adapter: moved })
  try {
    const found = await scorer.logProbabilities(rows.map(({ ids }) => ids))
    return found.map(
      (values, row) => -values.reduce((sum, value, t) => sum + value * must(must(rows[row]).mask[t + 1]), 0),
    )
  } finally {
    await scorer.release()
  }
}

test('TracIn equals the effect of a small step on one example on the loss of another', async () => {
  const blocks = await blocksOf()
  const traced = await tracIn(model, [{ adapter, learningRate: 1 }], training, validation)
  const scale = scaleOf(validation)
  for (const example of [0, 3]) {
    const stepped = (size: number): Weights =>
      new Map(
        Array.from([...adapter], ([name, { shape, data }], place) => {
          const { width, train } = must(blocks[place])
          return [name, { shape, data: data.map((value, i) => value - size * must(train[example * width + i])) }]
        }),
      )
    const [before, after] = [await lossesOf(validation, stepped(-STEP)), await lossesOf(validation, stepped(STEP))]
    const fallen = validation.map((_, row) => ((must(before[row]) - must(after[row])) / (2 * STEP)) * scale(row))
    const mean = fallen.reduce((a, b) => a + b, 0) / fallen.length
    expect(Math.abs(must(traced[example]).mean / mean - 1)).toBeLessThan(0.03) // rounding of 32-bit losses
  }
  const twice = await tracIn(
    model,
    [0.5, 1].map((learningRate) => ({ adapter, learningRate })),
    training,
    validation,
  )
  expect(must(twice[1]).mean / must(traced[1]).mean).toBeCloseTo(1.5, 4)
  await expect(tracIn(model, [], training, validation)).rejects.toThrow(/at least one/)
})

test('DataInf equals the mean of inverses in its paper, weight by weight', async () => {
  const draw = (rows: number, width: number) => random.fillUniform(new Float32Array(rows * width), -1, 1)
  const [N, M] = [5, 2]
  const blocks = [3, 7].map((width): GradientBlock => ({ width, train: draw(N, width), validation: draw(M, width) }))
  const dataInf = new DataInf(onnxRuntime())
  const found = await dataInf.influences(blocks)
  await dataInf.release()
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * must(b[i]), 0)
  for (let m = 0; m < M; m++)
    for (let n = 0; n < N; n++) {
      let sum = 0
      for (const { width, train, validation: held } of blocks) {
        const rowOf = (all: Float32Array, row: number) => all.subarray(row * width, (row + 1) * width)
        const gradients = Array.from({ length: N }, (_, i) => rowOf(train, i))
        const damping = (0.1 * gradients.reduce((total, g) => total + dot(g, g), 0)) / N / width
        const [v, g] = [rowOf(held, m), rowOf(train, n)]
        // vᵀ (1/N Σᵢ (λI + gᵢgᵢᵀ)⁻¹) g / N by Sherman and Morrison, one gᵢ at a time.
        for (const one of gradients)
          sum += (dot(v, g) - (dot(v, one) * dot(one, g)) / (damping + dot(one, one))) / damping / N / N
      }
      expect(must(must(found[m])[n]) / sum).toBeCloseTo(1, 4)
    }
})

test('a wrong answer’s gradient is subtracted from the right one’s', async () => {
  const [plain, contrasted, same] = [
    await blocksOf(),
    await blocksOf({ against }),
    await blocksOf({ against: validation }),
  ]
  const wrong = new ExampleGradients({ ...model, runner: onnxRuntime() })
  const scale = scaleOf(against)
  for await (const { index, parts } of wrong.stream(against, scale))
    for (const [place, { width, validation: found }] of contrasted.entries())
      for (let i = 0; i < width; i++) {
        const at = index * width + i
        expect(found[at]).toBeCloseTo(
          must(must(plain[place]).validation[at]) - CONTRAST * must(must(parts[place])[i]),
          5,
        )
      }
  await wrong.release()
  for (const [place, block] of same.entries())
    for (const [at, value] of block.validation.entries())
      expect(value).toBeCloseTo((1 - CONTRAST) * must(must(plain[place]).validation[at]), 5)
  await expect(blocksOf({ against: against.slice(1) })).rejects.toThrow(/give one for each/)
})

test('influence over earlier adapters is their mean; sketches are of the last adapter', async () => {
  const half = adapterFrom('half')
  const [end, early] = [
    await influences(model, training, validation),
    await influences({ ...model, adapter: half }, training, validation),
  ]
  const seen: number[] = []
  const progress: number[] = []
  const both = await influences(model, training, validation, {
    earlierAdapters: [half],
    onGradient: (index) => seen.push(index),
    onProgress: (done, all) => progress.push(done / all),
  })
  for (const [n, { mean }] of both.entries())
    expect(mean / ((must(end[n]).mean + must(early[n]).mean) / 2)).toBeCloseTo(1, 5)
  expect(seen.sort()).toEqual([0, 1, 2, 3])
  expect(progress).toEqual([...progress].sort((a, b) => a - b))
  expect(progress.at(-1)).toBe(1)
})

test.each([3, 40])('influence from %i prepared sketches equals DataInf on them', async (count) => {
  const projection = new CountSketch({ seed: 1, length: 100, dimensions: 16 })
  const sketches = Sketches.empty(projection)
  const draw = (size: number) => random.fillUniform(new Float32Array(size), -1, 1)
  for (let n = 0; n < count; n++) sketches.add(draw(16))
  const parts = [draw(16), draw(16), draw(16)]
  const train = Float32Array.from(Array.from({ length: count }, (_, n) => [...sketches.at(n)]).flat())
  const dataInf = new DataInf(onnxRuntime())
  const validation = Float32Array.from(parts.flatMap((part) => [...part]))
  const expected = estimateInfluences(await dataInf.influences([{ width: 16, train, validation }]), count)
  const sketched = await SketchedInfluence.create(sketches)
  const found = await sketched.estimate(parts)
  await Promise.all([dataInf.release(), sketched.release()])
  const largest = Math.max(...expected.map(({ mean }) => Math.abs(mean)))
  for (const [n, { mean, standardError }] of found.entries()) {
    expect(mean / largest).toBeCloseTo(must(expected[n]).mean / largest, 4)
    expect(standardError / largest).toBeCloseTo(must(expected[n]).standardError / largest, 4)
  }
})
