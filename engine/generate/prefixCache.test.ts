import { describe, expect, test } from 'vitest'
import { smallConfig } from '#engine/model/config.ts'
import { Random } from '#math/random.ts'
import { must } from '#test/must.ts'
import { Generator } from './generator.ts'
import type { GenerationRequest } from './request.ts'
import { decisiveWeights, differentAdapters } from './test/decisiveModel.ts'

const sizes = { vocab_size: 50, hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2 }
const config = { ...smallConfig({ ...sizes, max_position_embeddings: 256 }), sliding_window: [null, 20] }
const weights = decisiveWeights(config, 3)
const { lora, adapters } = differentAdapters(config, 2)
const text = (seed: string, length: number) => {
  const random = new Random(seed)
  return Array.from({ length }, () => Math.floor(random.uniform() * 50))
}
const generator = () => new Generator({ config, weights, lora, endIds: [] })
const answer = async (from: Generator, request: GenerationRequest) => must((await from.generate([request]))[0])

/** The answer is that of a generator that never saw the beginning. */
async function expectSame(from: Generator, request: GenerationRequest, cachedTokens: number): Promise<number[]> {
  const found = await answer(from, request)
  const fresh = await answer(generator(), { ...request, cacheScope: undefined })
  expect(found.cachedTokens).toBe(cachedTokens)
  expect(fresh.cachedTokens).toBe(0)
  expect(found.tokens).toEqual(fresh.tokens)
  for (const [n, value] of found.logProbabilities.entries())
    expect(value).toBeCloseTo(must(fresh.logProbabilities[n]), 4)
  return found.tokens
}

describe('a prompt that begins like an earlier text', () => {
  for (const adapter of [undefined, adapters[0]])
    test(`is read from where it differs, with the same answer${adapter ? ', with an adapter' : ''}`, async () => {
      const one = generator()
      const sampling = { maxTokens: 20, temperature: 0.7, seed: 4, cacheScope: 'a', adapter }
      const prompt = text('p', 60)
      const first = await expectSame(one, { ...sampling, prompt }, 0)
      // the last token of an answer is not read by anybody
      const turn = [...prompt, ...first, ...text('q', 30)]
      await expectSame(one, { ...sampling, prompt: turn }, 79)
      await expectSame(one, { ...sampling, prompt: turn }, 109)
      await expectSame(one, { ...sampling, prompt: [...prompt.slice(0, 50), ...text('r', 30)] }, 50)
      await expectSame(one, { ...sampling, prompt: [...prompt.slice(0, 50), ...text('s', 90)] }, 0)
    })

  test('is read whole when the text is of another scope, another adapter, none, or short', async () => {
    const one = generator()
    const asked = { maxTokens: 4, prompt: text('p', 60), cacheScope: 'a', adapter: adapters[0] }
    await expectSame(one, asked, 0)
    await expectSame(one, { ...asked, cacheScope: 'b' }, 0)
    await expectSame(one, { ...asked, cacheScope: undefined }, 0)
    await expectSame(one, { ...asked, adapter: adapters[1] }, 0)
    await expectSame(one, { ...asked, prompt: [...text('p', 31), ...text('z', 20)] }, 0)
    await expectSame(one, { ...asked, prompt: [...text('p', 32), ...text('z', 20)] }, 32)
  })

  test('fills the last positions of the model', async () => {
    const one = generator()
    const prompt = text('p', 200)
    await expectSame(one, { maxTokens: 1, prompt, cacheScope: 'a' }, 0)
    await expectSame(one, { maxTokens: 5, prompt: [...prompt, ...text('q', 51)], cacheScope: 'a' }, 199 + 1)
  })

  test('joins a batch of others', async () => {
    const one = generator()
    const prompt = text('p', 60)
    await expectSame(one, { maxTokens: 4, prompt, cacheScope: 'a' }, 0)
    const requests = [text('x', 12), [...prompt, ...text('q', 7)], text('y', 90), [...prompt, ...text('r', 40)]].map(
      (each, row) => ({ prompt: each, maxTokens: 12, cacheScope: 'a', adapter: row === 2 ? adapters[1] : undefined }),
    )
    const together = await one.generate(requests)
    expect(together.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 60, 0, 60])
    for (const [row, request] of requests.entries())
      expect(must(together[row]).tokens).toEqual((await answer(generator(), request)).tokens)
  })
})
