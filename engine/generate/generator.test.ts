// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { expect, test } from 'vitest'
import { onnxRuntime, slice } from '#engine/graph/index.ts'
import { smallConfig } from '#engine/model/config.ts'
import { tokenLogits } from '#engine/model/heads.ts'
import { feedsOf, idInput, weightInputs } from '#engine/model/inputs.ts'
import { forward } from '#engine/model/llama.ts'
import { mergeAdapter } from '#engine/model/lora.ts'
import { SequenceScorer } from '#engine/model/scorer.ts'
import { must } from '#test/must.ts'
import { Generator } from './generator.ts'
import type { Sampling } from './request.ts'
import { decisiveWeights, differentAdapters } from './test/decisiveModel.ts'

const config = smallConfig({
  vocab_size: 50,
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  max_position_embeddings: 128,
})
const weights = decisiveWeights(config, 4)
const { lora, adapters } = differentAdapters(config, 2)
const prompts = [[1, 2, 3], [7, 8, 9, 10, 11, 12, 13], [5], [20, 21, 22, 23]]
const requests = (temperature: number) => prompts.map((prompt, i) => ({ prompt, maxTokens: 12, temperature, seed: i }))

test('greedy decoding equals a full forward pass at every token', async () => {
  const generator = new Generator({ config, weights, endIds: [] })
  const found = await generator.generate(requests(0))
  const scorer = new SequenceScorer({ config, weights, batch: 50 })
  for (const [i, { tokens }] of found.entries()) {
    const text = [...must(prompts[i])]
    for (const token of tokens.slice(0, 6)) {
      const scored = await scorer.logProbabilities(Array.from({ length: 50 }, (_, next) => [...text, next]))
      const last = scored.map((row) => must(row.at(-1)))
      expect(token).toBe(last.indexOf(Math.max(...last)))
      text.push(token)
    }
  }
})

test('a request gives the same result alone, in a batch, and repeated; its log-probabilities are those of the model', async () => {
  const generator = new Generator({ config, weights, endIds: [4], batch: 4 })
  const together = await generator.generate(requests(1))
  expect(await generator.generate(requests(1))).toEqual(together)
  const scorer = new SequenceScorer({ config, weights })
  for (const [i, request] of requests(1).entries()) {
    const [alone] = await generator.generate([request])
    expect(must(alone).tokens).toEqual(must(together[i]).tokens)
    const { tokens, logProbabilities, finish } = must(together[i])
    const text = [...must(prompts[i]), ...tokens, ...(finish === 'stop' ? [4] : [])]
    const [scored] = await scorer.logProbabilities([text])
    const tail = Array.from(must(scored).slice(must(prompts[i]).length - 1))
    for (const [n, value] of logProbabilities.entries()) expect(value).toBeCloseTo(must(tail[n]), 3)
  }
})

test('rows with different adapters decode as with each adapter merged into the weights', async () => {
  const mixed = new Generator({ config, weights, lora, endIds: [] })
  const found = await mixed.generate(prompts.map((prompt, i) => ({ prompt, maxTokens: 8, adapter: adapters[i % 2] })))
  for (const which of [0, 1]) {
    const merged = new Generator({ config, weights: mergeAdapter(weights, lora, must(adapters[which])), endIds: [] })
    for (const [i, prompt] of prompts.entries()) {
      if (i % 2 !== which) continue
      const [alone] = await merged.generate([{ prompt, maxTokens: 8 }])
      expect(must(found[i]).tokens).toEqual(must(alone).tokens)
    }
  }
})

test('sampling follows the model’s distribution', async () => {
  const generator = new Generator({ config, weights, endIds: [], runner: onnxRuntime() })
  const draws = await generator.generate(
    Array.from({ length: 2000 }, (_, seed) => ({ prompt: [1, 2, 3], maxTokens: 1, temperature: 1, seed })),
  )
  const scorer = new SequenceScorer({ config, weights, batch: 50 })
  const scored = await scorer.logProbabilities(Array.from({ length: 50 }, (_, next) => [1, 2, 3, next]))
  for (let token = 0; token < 50; token++) {
    const p = Math.exp(must(must(scored[token]).at(-1)))
    const seen = draws.filter((draw) => draw.tokens[0] === token).length / 2000
    expect(Math.abs(seen - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / 2000) + 0.002)
  }
})

test('top-k, nucleus and min-p sample exactly the allowed tokens, with their probabilities', async () => {
  const generator = new Generator({ config, weights, endIds: [] })
  const scorer = new SequenceScorer({ config, weights, batch: 50 })
  const scored = await scorer.logProbabilities(Array.from({ length: 50 }, (_, next) => [1, 2, 3, next]))
  const shares = scored.map((row, token) => ({ token, p: Math.exp(must(row.at(-1))) })).sort((a, b) => b.p - a.p)
  const nucleus = shares.filter((_, i) => shares.slice(0, i).reduce((sum, { p }) => sum + p, 0) < 0.6)
  const cases = [
    { filter: { topK: 3 }, allowed: shares.slice(0, 3) },
    { filter: { topP: 0.6 }, allowed: nucleus },
    { filter: { minP: 0.5 }, allowed: shares.filter(({ p }) => p >= 0.5 * must(shares[0]).p) },
    { filter: { topK: 1 }, allowed: shares.slice(0, 1) },
  ]
  for (const { filter, allowed } of cases) {
    const draws = await generator.generate(
      Array.from({ length: 600 }, (_, seed) => ({ prompt: [1, 2, 3], maxTokens: 1, temperature: 1, seed, ...filter })),
    )
    const total = allowed.reduce((sum, { p }) => sum + p, 0)
    const seen = new Set(draws.map((draw) => draw.tokens[0]))
    expect([...seen].every((token) => allowed.some((one) => one.token === token))).toBe(true)
    for (const { token, p } of allowed) {
      const share = p / total
      const count = draws.filter((draw) => draw.tokens[0] === token).length / 600
      expect(Math.abs(count - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / 600) + 0.005)
    }
  }
})

test('a row without a filter samples the same tokens next to one with a filter', async () => {
  const generator = new Generator({ config, weights, endIds: [] })
  const [alone] = await generator.generate([must(requests(1)[0])])
  const [mixed] = await generator.generate([must(requests(1)[0]), { ...must(requests(1)[0]), topP: 0.5 }])
  expect(must(mixed).tokens).toEqual(must(alone).tokens)
})

test('fused and composed operators decode the same, with grouped heads, windows and spare cache', async () => {
  for (const window of [null, 5]) {
    const sizes = {
      vocab_size: 50,
      hidden_size: 64,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
    }
    const wide = { ...smallConfig({ ...sizes, max_position_embeddings: 128 }), sliding_window: [null, window] }
    const parameters = decisiveWeights(wide, 3)
    const [fused, composed] = [onnxRuntime(), onnxRuntime({ lowering: 'webgpu' })].map(
      (runner) => new Generator({ config: wide, weights: parameters, endIds: [], runner }),
    )
    const asked = [...requests(0), ...requests(0.8)].map((request) => ({ ...request, maxTokens: 30 }))
    const [one, other] = [await must(fused).generate(asked), await must(composed).generate(asked)]
    expect(one.map(({ tokens }) => tokens)).toEqual(other.map(({ tokens }) => tokens))
    for (const [row, { logProbabilities }] of one.entries())
      for (const [n, value] of logProbabilities.entries())
        expect(value).toBeCloseTo(must(must(other[row]).logProbabilities[n]), 3)
  }
})

/** Logits after each text, from a full forward pass. */
async function logitsAfter(texts: number[][]): Promise<number[][]> {
  const T = must(texts[0]).length
  const nodes = weightInputs(config)
  const ids = idInput(config, texts.length, T)
  const { hidden } = forward(config, { weights: nodes, ids })
  const logits = tokenLogits(config, nodes, slice(hidden, 1, T - 1, T))
  const program = await onnxRuntime().compile({ inputs: [ids, ...nodes.values()], outputs: { logits } })
  const found = await program.run({ ids: Int32Array.from(texts.flat()), ...feedsOf(weights) })
  return texts.map((_, row) => Array.from(must(found.logits).floats.subarray(row * 50, row * 50 + 50)))
}

test('a repetition penalty divides positive and multiplies negative logits of seen tokens, once each', async () => {
  const generator = new Generator({ config, weights, endIds: [] })
  for (const penalty of [1.3, 0.7, 4]) {
    const [found] = await generator.generate([{ prompt: [7, 8, 7, 9], maxTokens: 10, repetitionPenalty: penalty }])
    const text = [7, 8, 7, 9]
    for (const token of must(found).tokens) {
      const [scores] = (await logitsAfter([text])) as [number[]]
      for (const seen of new Set(text)) must(scores[seen]) < 0 ? (scores[seen]! *= penalty) : (scores[seen]! /= penalty)
      expect(token).toBe(scores.indexOf(Math.max(...scores)))
      text.push(token)
    }
  }
  const [plain, mild] = await generator.generate([
    must(requests(0)[1]),
    { ...must(requests(0)[1]), repetitionPenalty: 3 },
  ])
  expect(must(mild).tokens).not.toEqual(must(plain).tokens)
  const [alone] = await generator.generate([must(requests(0)[1])])
  expect(must(plain).tokens).toEqual(must(alone).tokens)
})

test('penalties of presence and frequency, and biases, change the logits as OpenAI’s API defines it, in each row alone', async () => {
  const generator = new Generator({ config, weights, endIds: [] })
  const prompt = [7, 8, 7, 9]
  const [plain] = await generator.generate([{ prompt, maxTokens: 12 }])
  const [first = 0] = must(plain).tokens
  const settings: Partial<Sampling>[] = [
    { presencePenalty: 2 },
    { frequencyPenalty: 0.3 },
    { presencePenalty: -0.5, frequencyPenalty: 1.5, logitBias: { 3: 0.7, 8: -100 } },
    { logitBias: { [first]: -100 } },
    { logitBias: { 41: 100 } },
    { repetitionPenalty: 1.4, frequencyPenalty: 0.2 },
    {},
  ]
  const together = await generator.generate(settings.map((one) => ({ prompt, maxTokens: 12, ...one })))
  for (const [row, setting] of settings.entries()) {
    const { presencePenalty = 0, frequencyPenalty = 0, repetitionPenalty = 1, logitBias = {} } = setting
    const answer: number[] = []
    for (const token of must(together[row]).tokens) {
      const [logits] = (await logitsAfter([[...prompt, ...answer]])) as [number[]]
      const scores = logits.map((logit, id) => {
        const isSeen = [...prompt, ...answer].includes(id)
        const own = !isSeen ? logit : logit < 0 ? logit * repetitionPenalty : logit / repetitionPenalty
        const count = answer.filter((one) => one === id).length // of the answer, without the prompt
        return own + (logitBias[id] ?? 0) - count * frequencyPenalty - (count > 0 ? presencePenalty : 0)
      })
      expect([row, token]).toEqual([row, scores.indexOf(Math.max(...scores))])
      answer.push(token)
    }
    const [alone] = await generator.generate([{ prompt, maxTokens: 12, ...setting }])
    expect(must(together[row]).tokens).toEqual(must(alone).tokens)
  }
  const [, , , banned, forced] = together
  expect(must(banned).tokens).not.toContain(first)
  expect(must(forced).tokens).toEqual(Array(12).fill(41))
  expect(must(together.at(-1)).tokens).toEqual(must(plain).tokens)

  // With a temperature, a forbidden token is never sampled.
  const drawn = await generator.generate(
    Array.from({ length: 40 }, (_, seed) => ({
      prompt,
      maxTokens: 3,
      temperature: 2,
      seed,
      logitBias: { [first]: -100 },
    })),
  )
  for (const { tokens } of drawn) expect(tokens).not.toContain(first)
  const wrong: Partial<Sampling>[] = [
    ...[
      { presencePenalty: 2.1 },
      { frequencyPenalty: Number.NaN },
      { logitBias: { 3: 101 } },
      { logitBias: { 50: 1 } },
    ],
    ...[{ logitBias: { x: 1 } }, { logitBias: { '-1': 1 } }],
  ]
  for (const one of wrong)
    await expect(generator.generate([{ prompt, maxTokens: 1, ...one }])).rejects.toThrow(/must be from|a bias of token/)
})

test('the most likely tokens are reported with the model’s own log-probabilities', async () => {
  const generator = new Generator({ config, weights, endIds: [] })
  const asked = [3, 0, 7].map((top, i) => ({
    ...must(requests(1)[i]),
    topLogProbabilities: top,
    topP: 0.4,
    repetitionPenalty: 2,
  }))
  const found = await generator.generate(asked)
  expect(must(found[1]).top).toBeUndefined()
  for (const row of [0, 2]) {
    const text = [...must(asked[row]).prompt]
    for (const [n, token] of must(found[row]).tokens.slice(0, 4).entries()) {
      const [scores] = (await logitsAfter([text])) as [number[]]
      const total = Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0))
      const order = scores.map((score, id) => ({ token: id, logProbability: score - total }))
      order.sort((a, b) => b.logProbability - a.logProbability)
      const top = must(must(must(found[row]).top)[n])
      expect(top.map((each) => each.token)).toEqual(
        order.slice(0, must(asked[row]).topLogProbabilities).map((each) => each.token),
      )
      for (const [rank, each] of top.entries())
        expect(each.logProbability).toBeCloseTo(must(order[rank]).logProbability, 3)
      expect(must(found[row]).logProbabilities[n]).toBeCloseTo(must(scores[token]) - total, 3)
      text.push(token)
    }
  }
})

test('an invalid request is rejected with its index', async () => {
  const generator = new Generator({ config, weights, endIds: [] })
  await expect(generator.generate([{ prompt: [], maxTokens: 4 }])).rejects.toThrow(/Request 0 has an empty prompt/)
  await expect(
    generator.generate([
      { prompt: [1], maxTokens: 4 },
      { prompt: [99], maxTokens: 4 },
    ]),
  ).rejects.toThrow(/Request 1 has token 99/)
  await expect(generator.generate([{ prompt: [1], maxTokens: 200 }])).rejects.toThrow(/exceed the model's 128/)
})
