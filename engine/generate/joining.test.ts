import { expect, test } from 'vitest'
import { smallConfig } from '#engine/model/config.ts'
import { Random } from '#math/random.ts'
import { Generator } from './generator.ts'
import type { GenerationRequest, TokenStep } from './request.ts'
import { decisiveWeights, differentAdapters } from './test/decisiveModel.ts'

const config = smallConfig({
  vocab_size: 60,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 256,
})
const weights = decisiveWeights(config, 3)
const { lora, adapters } = differentAdapters(config, 3)

/** A random request: lengths, adapter or none, and every setting. */
function anyRequest(random: Random): GenerationRequest {
  const maybe = <T>(value: T): T | undefined => (random.uniform() < 0.4 ? value : undefined)
  return {
    prompt: Array.from({ length: 1 + random.integer(40) }, () => random.integer(60)),
    maxTokens: 1 + random.integer(60),
    temperature: random.integer(2) * 0.9,
    adapter: adapters[random.integer(4)],
    seed: random.integer(1000),
    topK: maybe(1 + random.integer(20)),
    topP: maybe(0.5 + random.uniform() / 2),
    minP: maybe(random.uniform() / 4),
    repetitionPenalty: maybe(1 + random.uniform()),
    topLogProbabilities: maybe(random.integer(4)),
  }
}

const rest = () => new Promise((resolve) => setImmediate(resolve))

async function tokensOf(steps: AsyncIterable<TokenStep>): Promise<number[]> {
  const tokens: number[] = []
  for await (const { token } of steps) tokens.push(token)
  return tokens
}

test('requests that join and leave a running batch get the same result as alone', async () => {
  const random = new Random('joining')
  const requests = Array.from({ length: 24 }, () => anyRequest(random))
  const shared = new Generator({ config, weights, lora, endIds: [7], batch: 6 })
  const together: Promise<number[]>[] = []
  const busy: number[] = []
  for (const request of requests) {
    together.push(tokensOf(shared.stream(request)))
    for (let wait = random.integer(4); wait > 0; wait--) await rest()
    busy.push(shared.load)
  }
  const found = await Promise.all(together)
  expect(Math.max(...busy)).toBeGreaterThan(6) // some had to wait
  expect(shared.load).toBe(0)
  const single = new Generator({ config, weights, lora, endIds: [7], batch: 1 })
  for (const [index, request] of requests.entries())
    expect(found[index], `request ${index}`).toEqual(await tokensOf(single.stream(request)))
})

test('leaving early or aborting frees the row at once, without an effect on other requests', async () => {
  const generator = new Generator({ config, weights, lora, endIds: [], batch: 4 })
  const request = { prompt: [1, 2, 3], maxTokens: 200, temperature: 1 }
  const alone = await tokensOf(generator.stream({ ...request, seed: 1 }))
  const abort = new AbortController()
  const stays = tokensOf(generator.stream({ ...request, seed: 1 }))
  const aborted = tokensOf(generator.stream({ ...request, seed: 2 }, abort.signal))
  const waits = tokensOf(generator.stream({ ...request, seed: 4, maxTokens: 3 }))
  const leaves = (async () => {
    let left = 0
    for await (const _ of generator.stream({ ...request, seed: 3 })) if (++left === 5) break
    abort.abort(new Error('enough'))
  })()
  const never = tokensOf(generator.stream({ ...request, seed: 5 }, abort.signal)) // still waits for a row
  const failed = Promise.allSettled([aborted, never])
  await leaves
  for (const each of await failed) expect(each).toMatchObject({ status: 'rejected', reason: { message: 'enough' } })
  expect(await waits).toHaveLength(3)
  expect(await stays).toEqual(alone)
  expect(generator.load).toBe(0)
  await expect(generator.generate([request], AbortSignal.abort(new Error('before')))).rejects.toThrow('before')
})

test('a batch continues correctly when its cache grows and shrinks', async () => {
  const generator = new Generator({ config, weights, endIds: [], batch: 16 })
  const long = { prompt: [5, 6], maxTokens: 180, temperature: 0.9, seed: 'long' }
  const alone = await tokensOf(generator.stream(long))
  const slow = tokensOf(generator.stream(long))
  await rest()
  const crowd = Array.from({ length: 15 }, (_, seed) =>
    tokensOf(generator.stream({ prompt: Array.from({ length: 60 }, (_, t) => t), maxTokens: 20, seed })),
  )
  await Promise.all(crowd)
  expect(await slow).toEqual(alone)
})
