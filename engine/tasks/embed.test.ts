import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { onnxRuntime } from '#engine/graph/index.ts'
import { feedsOf, idInput, weightInputs } from '#engine/model/inputs.ts'
import { forward } from '#engine/model/llama.ts'
import { must } from '#test/must.ts'
import { embedTask } from './embed.ts'
import { fineTuneTask } from './fineTune.ts'
import { loadBase } from './models.ts'
import { type TaskContext, TaskError } from './task.ts'
import { colourPairs, tinyModel } from './test/tinyModel.ts'

let model: Awaited<ReturnType<typeof tinyModel>>
let adapterFolder: string
const context = (): TaskContext => ({ emit() {}, signal: new AbortController().signal })
const embed = (texts: readonly (string | number[])[], adapter?: string) =>
  embedTask({ baseFolder: model.baseFolder, adapterFolder: adapter, texts }, context())
const rounded = (vector: ArrayLike<number>) => Array.from(vector, (value) => Number(value.toFixed(4)))
const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, at) => sum + value * must(b[at]), 0)

beforeAll(async () => {
  model = await tinyModel()
  adapterFolder = join(model.folder, 'adapter')
  const training = { epochs: 4, batchSize: 8, learningRate: 0.02, seed: 1 }
  await fineTuneTask(
    { baseFolder: model.baseFolder, samples: colourPairs(16), lora: { rank: 4 }, training, outFolder: adapterFolder },
    context(),
  )
})
afterAll(() => model.remove())

test('a vector is the mean of the last hidden states, scaled to length 1', async () => {
  const base = await loadBase(model.baseFolder)
  const ids = [...base.tokenizer.startTokens, ...base.tokenizer.encode('thing 1 is red')]
  const weights = weightInputs(base.config)
  const input = idInput(base.config, 1, ids.length)
  const { hidden } = forward(base.config, { weights, ids: input })
  const program = await onnxRuntime().compile({ inputs: [input, ...weights.values()], outputs: { hidden } })
  const result = await program.run({ ids: Int32Array.from(ids), ...feedsOf(base.weights) })
  const D = base.config.hidden_size
  const mean = Array.from({ length: D }, (_, at) =>
    ids.reduce((sum, _id, token) => sum + must(result.hidden.floats[token * D + at]) / ids.length, 0),
  )
  await program.release()
  const norm = Math.hypot(...mean)

  const { vectors, tokensIn } = await embed(['thing 1 is red'])
  expect(rounded(must(vectors[0]))).toEqual(rounded(mean.map((value) => value / norm)))
  expect(tokensIn).toBe(ids.length)
  expect((await embed([ids])).vectors).toEqual(vectors)
})

test('each text has its own vector, whatever it is sent with, and another one with an adapter', async () => {
  const texts = Array.from({ length: 11 }, (_, index) => `thing ${index} is ${index % 2 ? 'red and green' : 'blue'}`)
  const { vectors, tokensIn } = await embed(texts, adapterFolder)
  const alone = await Promise.all(texts.map((text) => embed([text], adapterFolder)))
  expect(alone.map((one) => rounded(must(one.vectors[0])))).toEqual(vectors.map(rounded))
  expect(tokensIn).toBe(alone.reduce((sum, one) => sum + one.tokensIn, 0))
  for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
  const [blue, red, alsoBlue] = vectors as [Float32Array, Float32Array, Float32Array]
  expect(cosine(blue, alsoBlue)).toBeGreaterThan(cosine(blue, red))
  const { vectors: ofBase } = await embed(texts.slice(0, 1))
  expect(rounded(must(ofBase[0]))).not.toEqual(rounded(blue))
})

test.each([
  [[' x'.repeat(100)], /Text 0: it has \d+ tokens; the model can read 64/],
  [['x', [304]], /Text 1: it has token 304; the vocabulary has 304/],
  [[[]], /Text 0: it has no tokens/],
])('%j is refused', async (texts, message) => {
  const refused = embed(texts as string[])
  await expect(refused).rejects.toThrow(TaskError)
  await expect(refused).rejects.toThrow(message)
})
