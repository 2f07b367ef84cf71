import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readAdapter } from '#engine/formats/adapter.ts'
import { readCheckpoint } from '#engine/formats/checkpoint.ts'
import { argmax, type Graph, input, onnxRuntime, reshape, slice, type Tensor } from '#engine/graph/index.ts'
import { must } from '#test/must.ts'
import { parseConfig, writeConfig } from './config.ts'
import { sequenceScores, tokenLogits } from './heads.ts'
import { adapterInputs, cacheInputs, cacheShape, feedsOf, idInput, weightInputs } from './inputs.ts'
import { forward } from './llama.ts'
import { loraConfig, mergeAdapter } from './lora.ts'
import { checkWeights } from './parameters.ts'

// Checkpoints, logits and greedy continuations made by transformers and PEFT: test/oracles/models.py.

const GOLDEN = join(import.meta.dirname, '../../test/oracles/golden')
const MODELS = ['llama', 'llama3-tied', 'linear-biased', 'mistral', 'qwen2', 'qwen2-sliding']

interface Expected {
  ids: number[][]
  logits: number[]
  every: number
  greedy: number[][]
}

async function load(name: string) {
  const folder = join(GOLDEN, name)
  const { config: json, weights } = await readCheckpoint(folder)
  const config = parseConfig(json)
  const expected = JSON.parse(readFileSync(join(folder, 'expected.golden.json'), 'utf8')) as Expected
  return { folder, json, config, weights: checkWeights(config, weights), expected }
}

const runner = onnxRuntime({ device: 'cpu', threads: 1 })
const flat = (ids: number[][]) => Int32Array.from(ids.flat())

async function run<O extends string>(graph: Graph<O>, feeds: Record<string, Tensor | Int32Array>) {
  const program = await runner.compile(graph)
  const results = await program.run(feeds)
  await program.release()
  return results
}

function expectLogits(actual: Tensor, { logits, every }: Pick<Expected, 'logits' | 'every'>): void {
  const [batch, length, vocabulary] = actual.shape as [number, number, number]
  let worst = 0
  let at = 0
  for (let b = 0; b < batch; b++)
    for (let t = 0; t < length; t += every)
      for (let v = 0; v < vocabulary; v++)
        worst = Math.max(worst, Math.abs(must(actual.floats[(b * length + t) * vocabulary + v]) - must(logits[at++])))
  expect(at).toBe(logits.length)
  expect(worst).toBeLessThan(1e-4)
}

test.each(MODELS)('%s: a checkpoint of transformers gives its logits', async (name) => {
  const { config, weights, expected } = await load(name)
  const nodes = weightInputs(config)
  const ids = idInput(config, 2, must(expected.ids[0]).length)
  const { hidden } = forward(config, { weights: nodes, ids })
  const { logits } = await run(
    { inputs: [ids, ...nodes.values()], outputs: { logits: tokenLogits(config, nodes, hidden) } },
    { ids: flat(expected.ids), ...feedsOf(weights) },
  )
  expectLogits(logits, expected)
})

test.each(MODELS)('%s: greedy decoding with a cache gives the tokens transformers gives', async (name) => {
  const { config, weights, expected } = await load(name)
  const prompt = expected.ids.map((row) => row.slice(0, 6))
  const capacity = 24
  const [B, V] = [2, config.vocab_size]
  const nodes = weightInputs(config)
  const cache = cacheInputs(config, B, capacity)
  const cacheNodes = [...cache.keys, ...cache.values]
  const stepGraph = (T: number): Graph => {
    const ids = idInput(config, B, T)
    const { hidden, keys, values } = forward(config, { weights: nodes, ids, cache })
    const next = argmax(reshape(slice(tokenLogits(config, nodes, hidden), 1, T - 1, T), [B, V]))
    const kept = Object.fromEntries([
      ...keys.map((node, layer) => [`key.${layer}`, node]),
      ...values.map((node, layer) => [`value.${layer}`, node]),
    ])
    return {
      inputs: [ids, cache.lengths, ...cacheNodes, ...nodes.values()],
      outputs: { next, ...kept },
    }
  }
  const [prefill, step] = [await runner.compile(stepGraph(6)), await runner.compile(stepGraph(1))]
  const size = cacheShape(config, B, capacity).reduce((a, b) => a * b, 1)
  let state: Record<string, Tensor | Float32Array> = Object.fromEntries(
    Array.from({ length: config.num_hidden_layers }, (_, layer) => [
      [`key.${layer}`, new Float32Array(size)],
      [`value.${layer}`, new Float32Array(size)],
    ]).flat() as [string, Float32Array][],
  )
  const base = feedsOf(weights)
  let ids = flat(prompt)
  const tokens: number[][] = [[], []]
  for (
    let length = 0;
    must(tokens[0]).length < 14;
    length += ids.length / B, ids = Int32Array.from(tokens, (row) => must(row.at(-1)))
  ) {
    const program = length === 0 ? prefill : step
    const { next, ...kept } = await program.run({ ids, lengths: Int32Array.of(length, length), ...state, ...base })
    state = kept
    for (const [row, token] of must(next).numbers.entries()) must(tokens[row]).push(token)
  }
  expect(tokens).toEqual(expected.greedy)
})

test('an adapter saved by PEFT gives its logits, beside the weights and merged into them', async () => {
  const { folder, config, weights } = await load('llama')
  const adapter = await readAdapter(join(folder, 'adapter'))
  const expected = JSON.parse(readFileSync(join(folder, 'adapter/expected.golden.json'), 'utf8')) as Expected
  const lora = loraConfig(adapter)
  const [nodes, adapterNodes] = [weightInputs(config), adapterInputs(config, lora)]
  const ids = idInput(config, 2, must(expected.ids[0]).length)
  const beside = forward(config, { weights: nodes, ids, adapter: { lora, weights: adapterNodes } })
  const { logits } = await run(
    {
      inputs: [ids, ...nodes.values(), ...adapterNodes.values()],
      outputs: { logits: tokenLogits(config, nodes, beside.hidden) },
    },
    { ids: flat(expected.ids), ...feedsOf(weights), ...feedsOf(adapter.weights) },
  )
  expectLogits(logits, expected)

  const merged = mergeAdapter(weights, lora, adapter.weights)
  const plain = forward(config, { weights: nodes, ids })
  const again = await run(
    { inputs: [ids, ...nodes.values()], outputs: { logits: tokenLogits(config, nodes, plain.hidden) } },
    { ids: flat(expected.ids), ...feedsOf(merged) },
  )
  expectLogits(again.logits, expected)

  const restored = mergeAdapter(merged, lora, adapter.weights, -1)
  for (const [name, { data }] of weights)
    data.forEach((value, index) => {
      if (Math.abs(must(must(restored.get(name)).data[index]) - value) > 1e-5)
        throw new Error(`${name} was not generated`)
    })
})

test('a reward model saved by transformers gives its scores, read at the last token before the padding', async () => {
  const { config, weights, expected } = await load('reward')
  const { lengths, scores } = expected as unknown as { lengths: number[]; scores: number[] }
  const nodes = weightInputs(config)
  const ids = idInput(config, 2, 20)
  const last = input('last', [2], 'i32', { below: 20 })
  const { hidden } = forward(config, { weights: nodes, ids })
  const results = await run(
    { inputs: [ids, last, ...nodes.values()], outputs: { scores: sequenceScores(nodes, hidden, last) } },
    { ids: flat(expected.ids), last: Int32Array.from(lengths, (length) => length - 1), ...feedsOf(weights) },
  )
  for (const [row, score] of results.scores.numbers.entries())
    expect(Math.abs(score - must(scores[row]))).toBeLessThan(1e-4)
})

test.each([...MODELS, 'reward'])('%s: the configuration is unchanged after writing and reading', async (name) => {
  const { config } = await load(name)
  expect(parseConfig(JSON.parse(JSON.stringify(writeConfig(config))))).toEqual(config)
})
