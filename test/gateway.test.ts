import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWorld, type World } from '#contracts/test/world.ts'
import { openGateway } from '#gateway/index.ts'
import { me } from '#graphql/test/market.ts'
import { must } from './must.ts'
import { serveTinyModel, startServices } from './servingSystem.ts'
import { testSystem } from './testSystem.ts'

/** Unmodified clients against the real API, a real worker in a process of its own, and a real small model. */

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

/** Endpoint 1, a consumer with credit, and an OpenAI client that names it. Every answer has the length that `WORDS` asks for, up to thousands of tokens. */
async function servedModel() {
  const system = await testSystem(world, { gateway: openGateway })
  await system.db.query(`update model set live_version_id = '1' where id = '1'`)
  const input = await serveTinyModel(system, { positions: 4096 })
  const [worker] = await startServices(system, ['worker'])
  const client = (headers: Record<string, string> = { 'x-consumer': me }) =>
    new OpenAI({ baseURL: `${system.url}/v1`, apiKey: 'any-key', maxRetries: 0, defaultHeaders: headers })
  return { ...system, input, worker: must(worker), client, openai: client() }
}

const used = async ({ db }: { db: Awaited<ReturnType<typeof servedModel>>['db'] }) =>
  (await db.query('select used from signed_voucher')).rows[0].used as bigint
const openHolds = async ({ db }: { db: Awaited<ReturnType<typeof servedModel>>['db'] }) =>
  Number((await db.query('select count(*) as count from credit_hold where open')).rows[0].count)
test('models are listed and found by every name; completions are answered, streamed and charged once', async () => {
  const system = await servedModel()
  const { openai } = system
  const models = await openai.models.list()
  expect(models.data.map(({ id }) => id)).toEqual(['Clerk', 'endpoint:1', 'endpoint:2'])
  expect(await openai.models.retrieve('version:1')).toMatchObject({ id: 'version:1', object: 'model', endpoint: '1' })

  const request = { model: 'Clerk', prompt: 'thing 1 is red', max_tokens: 12, temperature: 0.9, seed: 7 } as const
  const { data, response } = await openai.completions.create(request).withResponse()
  const [choice] = data.choices
  expect(choice?.text).not.toBe('')
  expect(data.usage).toMatchObject({ completion_tokens: expect.any(Number), prompt_tokens: expect.any(Number) })
  const receipt = must(response.headers.get('x-receipt-id'))
  const stored = (
    await system.ask('query ($id: ID!) { receipt(id: $id) { answer tokensIn tokensOut fee } }', { id: receipt })
  ).data.receipt
  expect(stored).toMatchObject({
    answer: choice?.text,
    tokensIn: data.usage?.prompt_tokens,
    tokensOut: data.usage?.completion_tokens,
  })
  expect(await used(system)).toBe(BigInt(stored.fee))
  expect((data as unknown as { receipt: object }).receipt).toEqual({ id: receipt, fee: stored.fee })

  const streamed = await openai.completions.create({
    ...request,
    stream: true,
    stream_options: { include_usage: true },
    logprobs: 2,
  })
  let text = ''
  let last: typeof data | undefined
  const tokens: string[] = []
  for await (const chunk of streamed) {
    text += chunk.choices[0]?.text ?? ''
    tokens.push(...(chunk.choices[0]?.logprobs?.tokens ?? []))
    last = chunk as typeof data
  }
  expect(text).toBe(choice?.text) // the same seed
  expect(tokens).toHaveLength(must(data.usage).completion_tokens)
  expect(last).toMatchObject({ choices: [], usage: data.usage })
  expect(await used(system)).toBe(2n * BigInt(stored.fee))
  expect(await openHolds(system)).toBe(0)
  expect(system.logged).toEqual([])
}, 180_000)
