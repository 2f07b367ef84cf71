import OpenAI, { APIError } from 'openai'
import { type Hex, zeroHash } from 'viem'
import { marketPlace } from '#contracts/test/vouchers.ts'
import { OPERATOR, type World } from '#contracts/test/world.ts'
import { openGateway } from '#gateway/index.ts'
import type { ApiOptions } from '#graphql/index.ts'
import { consumer, me } from '#graphql/test/market.ts'
import { channelId } from '#rules/channel.ts'
import { PaymentChannel } from '#schema/onchain/market.ts'
import { insert } from './factory.ts'
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

/** Lets the index have a channel of the consumer with endpoint 1, as the market of the chain names it. @returns its id. */
export async function openMarketChannel(
  { db, world }: Pick<Awaited<ReturnType<typeof servedModel>>, 'db' | 'world'>,
  deposited: bigint,
  key: Hex = consumer.address,
): Promise<Hex> {
  const place = { endpointId: 1n, host: OPERATOR.address, consumer: consumer.address, key }
  const id = channelId(marketPlace(world), { ...place, salt: zeroHash }).toLowerCase() as Hex
  const owner = { endpointId: '1', consumer: me, key: key.toLowerCase(), salt: zeroHash }
  await insert(db, PaymentChannel, { id, ...owner, deposited, balance: deposited, withdrawing: 0n, redeemed: 0n })
  return id
}

/** Of all channels. */
export const used = async ({ db }: { db: Awaited<ReturnType<typeof servedModel>>['db'] }) =>
  BigInt((await db.query('select coalesce(sum(used), 0) as used from signed_voucher')).rows[0].used)
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
