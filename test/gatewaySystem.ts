import OpenAI, { APIError } from 'openai'
import type { World } from '#contracts/test/world.ts'
import { openGateway } from '#gateway/index.ts'
import type { ApiOptions } from '#graphql/index.ts'
import { me } from '#graphql/test/market.ts'
import { must } from './must.ts'
import { serveTinyModel, startServices } from './servingSystem.ts'
import { testSystem } from './testSystem.ts'

/** Endpoint 1, a consumer with credit, and an OpenAI client that names it. An answer may have thousands of tokens. */
export async function servedModel(world: World, over: Partial<ApiOptions> = {}) {
  const system = await testSystem(world, { gateway: openGateway, ...over })
  await system.db.query(`update model set live_version_id = '1' where id = '1'`)
  const input = await serveTinyModel(system, { positions: 4096 })
  const [worker] = await startServices(system, ['worker'])
  const client = (headers: Record<string, string> = { 'x-consumer': me }) =>
    new OpenAI({ baseURL: `${system.url}/v1`, apiKey: 'any-key', maxRetries: 0, defaultHeaders: headers })
  return { ...system, input, worker: must(worker), client, openai: client() }
}

export const used = async ({ db }: { db: Awaited<ReturnType<typeof servedModel>>['db'] }) =>
  (await db.query('select used from signed_voucher')).rows[0].used as bigint
export const openHolds = async ({ db }: { db: Awaited<ReturnType<typeof servedModel>>['db'] }) =>
  Number((await db.query('select count(*) as count from credit_hold where open')).rows[0].count)
export const refusal = async (answer: Promise<unknown>) =>
  answer.then(
    () => undefined,
    (error) =>
      error instanceof APIError
        ? { status: error.status, code: error.code, type: error.type, param: error.param, message: error.message }
        : error,
  )

/** An answer of about `length` tokens: the schema asks for it. */
export const long = (length: number) => ({
  response_format: {
    type: 'json_schema' as const,
    json_schema: {
      name: 'long',
      schema: {
        type: 'object',
        properties: { text: { type: 'string', minLength: length, maxLength: length } },
        required: ['text'],
        additionalProperties: false,
      },
    },
  },
  max_tokens: 4096,
})
