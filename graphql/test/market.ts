import { type Hex, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { channelId, voucherData } from '#rules/channel.ts'
import { maxPromptTokens } from '#rules/fee.ts'
import { Datanet } from '#schema/onchain/datanets.ts'
import { Endpoint, PaymentChannel } from '#schema/onchain/market.ts'
import { Model, ModelVersion } from '#schema/onchain/models.ts'
import { account, insert, insertAll, insertChain, TEST_CHAIN_ID } from '#test/factory.ts'
import { MARKET, SERVED_HOST, type TestApi } from './api.ts'

export const CONSUMER_KEY: Hex = `0x${'11'.repeat(32)}`
export const consumer = privateKeyToAccount(CONSUMER_KEY)
export const stranger = privateKeyToAccount(`0x${'22'.repeat(32)}`)
export const me = consumer.address.toLowerCase()

export const REQUEST_TRAINING =
  'mutation ($input: FineTuneInput!, $key: String!) { fineTune(input: $input, idempotencyKey: $key) { id kind status input requestedBy parent { id } } }'
export const REQUEST_ANSWER =
  'mutation ($input: InferInput!, $key: String!) { infer(input: $input, idempotencyKey: $key) { id status input } }'

/** Endpoints 1 to 3 for versions 1 to 3, of which only 1 serves; endpoint 4, which is free; 5 and 6, a stranger's, of which 6 is free. */
export async function createMarket({ db }: TestApi) {
  await insertChain(db, 10)
  await insert(db, Model, { id: '1' })
  await insert(db, Datanet, { id: '1', modelId: '1' })
  await insertAll(db, ModelVersion, [
    { id: '1', modelId: '1', status: 'Promoted' },
    { id: '2', modelId: '1', status: 'RolledBack', rollbackReason: 'worse' },
    { id: '3', modelId: '1', status: 'Registered' },
  ])
  const price = { priceIn: 1000n, priceOut: 2000n }
  await insertAll(db, Endpoint, [
    ...['1', '2', '3'].map((id) => ({ id, versionId: id, host: SERVED_HOST, ...price })),
    { id: '4', versionId: '1', host: SERVED_HOST },
    { id: '5', versionId: '1', host: OTHER_HOST, ...price },
    { id: '6', versionId: '1', host: OTHER_HOST },
  ])
}
/** A host whose endpoints are not answered here. */
export const OTHER_HOST = account(0xbad)

export const codeOf = async (answer: ReturnType<TestApi['ask']>) => (await answer).errors?.[0]?.extensions.code
export const jobCount = async ({ db }: Pick<TestApi, 'db'>) =>
  (await db.query('select count(*) as count from job_run')).rows[0].count

/** Stores `count` calls of a consumer that wait. */
export const waitingCalls = (db: Pick<TestApi['db'], 'query'>, consumer: string, count: number) =>
  db.query(
    `insert into job_run (id, kind, input, status, attempt, attempts, queue, priority, progress, waits, idempotency_key, cancel_requested, created_at, retry_at)
     select 'waits' || i, 'infer', jsonb_build_object('consumer', $1::text), 'Waiting', 0, 5, 'infer', 0, 0, 0, 'waits' || i, false, now(), now() + interval '1 day'
     from generate_series(1, $2::int) i`,
    [consumer, count],
  )

/** A channel of this API's market. Without `key`, the consumer signs its vouchers itself. */
interface TestChannel {
  endpoint?: bigint
  host?: string
  payer?: typeof consumer
  key?: typeof consumer
  salt?: number
  market?: string
}

const place = (market: string) => ({
  chainId: TEST_CHAIN_ID,
  market: market as Hex,
  token: account(0xac) as Hex,
  withdrawalDelay: 900,
})

export const idOfChannel = ({ endpoint = 1n, host = SERVED_HOST, market = MARKET, ...of }: TestChannel = {}): Hex =>
  channelId(place(market), {
    endpointId: endpoint,
    host: host as Hex,
    consumer: (of.payer ?? consumer).address,
    key: (of.key ?? of.payer ?? consumer).address,
    salt: toHex(of.salt ?? 0, { size: 32 }),
  })

/** Lets the index have a channel with a balance, and returns its id. */
export async function openChannel(
  { db }: Pick<TestApi, 'db'>,
  balance: bigint,
  { withdrawing = 0n, redeemed = 0n, ...of }: TestChannel & { withdrawing?: bigint; redeemed?: bigint } = {},
): Promise<Hex> {
  const { endpoint = 1n, payer = consumer, key = payer, salt = 0 } = of
  const id = idOfChannel(of)
  await insert(db, PaymentChannel, {
    id,
    endpointId: String(endpoint),
    consumer: payer.address.toLowerCase(),
    key: key.address.toLowerCase(),
    salt: toHex(salt, { size: 32 }),
    deposited: balance + redeemed,
    balance,
    withdrawing,
    redeemed,
  })
  return id
}

export const SUBMIT = `mutation ($channelId: ID!, $ceiling: BigInt!, $signature: String!) {
  submitVoucher(channelId: $channelId, ceiling: $ceiling, signature: $signature, idempotencyKey: "k") {
    id consumer ceiling used endpoint { id } } }`

interface TestVoucher {
  channel?: Hex
  ceiling?: bigint
  signer?: typeof consumer
  chainId?: number
}

export const signedVoucher = ({
  channel = idOfChannel(),
  ceiling = 100n,
  signer = consumer,
  chainId = TEST_CHAIN_ID,
}: TestVoucher = {}) => signer.signTypedData(voucherData(chainId, { channelId: channel, ceiling }))

/** The variables of `SUBMIT`. */
export async function submission({ signature, ...of }: TestVoucher & { signature?: string } = {}) {
  const { channel = idOfChannel(), ceiling = 100n } = of
  return { channelId: channel, ceiling: String(ceiling), signature: signature ?? (await signedVoucher(of)) }
}

export const submit = async (api: Pick<TestApi, 'ask'>, of?: Parameters<typeof submission>[0]) =>
  api.ask(SUBMIT, await submission(of))

export const PROMPT = 'What day is it?'
export const callInput = (more: object = {}) => ({
  endpointId: '1',
  prompt: PROMPT,
  maxTokens: 10,
  consumer: consumer.address,
  ...more,
})
/** Prices are 1 wei a token in, 2 a token out. */
export const MAXIMUM = BigInt(maxPromptTokens(PROMPT)) + 20n
