import { expect, test } from 'vitest'
import { onnxRuntime } from '#engine/graph/index.ts'
import { must } from '#test/must.ts'
import { smallConfig } from './config.ts'
import { adapterShapes, loraConfig, mergeAdapter } from './lora.ts'
import { initialWeights } from './parameters.ts'
import { SequenceScorer } from './scorer.ts'

const config = smallConfig({
  vocab_size: 20,
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  initializer_range: 0.3,
  max_position_embeddings: 32,
})
const weights = initialWeights(config, 1)
const runner = onnxRuntime({ device: 'cpu', threads: 1 })
const rows = [[1, 2, 3], Array.from({ length: 20 }, (_, i) => i), [4, 5], [1, 2, 4]]

test('rows of mixed lengths keep their order, and one at a time they score the same', async () => {
  const together = await new SequenceScorer({ config, weights, runner, batch: 3 }).logProbabilities(rows)
  expect(together.map(({ length }) => length)).toEqual([2, 19, 1, 2])
  const alone = new SequenceScorer({ config, weights, runner, batch: 1 })
  for (const [index, row] of rows.entries()) {
    const [one] = await alone.logProbabilities([row])
    for (const [t, value] of must(one).entries()) expect(must(together[index])[t]).toBeCloseTo(value, 5)
  }
})

test('the probabilities of all next tokens sum to 1', async () => {
  const next = Array.from({ length: 20 }, (_, token) => [7, 3, token])
  const scored = await new SequenceScorer({ config, weights, runner }).logProbabilities(next)
  expect(scored.reduce((total, row) => total + Math.exp(must(row[1])), 0)).toBeCloseTo(1, 5)
})

test('an adapter scores as its merged weights do, and can be exchanged', async () => {
  const lora = loraConfig({ rank: 2 })
  const filled = (value: number) =>
    new Map(
      Array.from(adapterShapes(config, lora), ([name, shape]) => [
        name,
        { shape, data: new Float32Array(shape[0] * shape[1]).map((_, i) => value * Math.sin(i + 1)) },
      ]),
    )
  const scorer = new SequenceScorer({ config, weights, lora, adapter: filled(0), runner })
  for (const value of [0, 0.2]) {
    scorer.setAdapter(filled(value))
    const merged = new SequenceScorer({ config, weights: mergeAdapter(weights, lora, filled(value)), runner })
    const [a, b] = [await scorer.logProbabilities(rows), await merged.logProbabilities(rows)]
    for (const [t, expected] of must(b[1]).entries()) expect(must(a[1])[t]).toBeCloseTo(expected, 4)
  }
  expect(() => scorer.setAdapter(new Map())).toThrow('other weight names')
})

test('invalid rows are refused', async () => {
  const scorer = new SequenceScorer({ config, weights, runner })
  await expect(scorer.logProbabilities([[1]])).rejects.toThrow('Row 0 has 1 tokens; it needs at least 2')
  await expect(scorer.logProbabilities([[1, 2], []])).rejects.toThrow('Row 1 has 0 tokens; it needs at least 2')
  await expect(scorer.logProbabilities([[1, 1.5]])).rejects.toThrow('Token 1 of row 0 is 1.5')
  await expect(scorer.logProbabilities([[1, -1]])).rejects.toThrow('contains -1 at position 0')
  expect(await scorer.logProbabilities([])).toEqual([])
  await expect(scorer.logProbabilities([[1, 20]])).rejects.toThrow('ids run from 0 to 19')
  await expect(scorer.logProbabilities([new Array(40).fill(1)])).rejects.toThrow('exceeds the limit of 32 tokens')
  await expect(scorer.scores(rows)).rejects.toThrow('no score head')
  expect(() => new SequenceScorer({ config, weights, runner, lora: loraConfig() })).toThrow('given together')
})
