import { privateKeyToAccount } from 'viem/accounts'
import { voucherData } from '#rules/signing.ts'
import { Datanet } from '#schema/onchain/datanets.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { Model, ModelVersion } from '#schema/onchain/models.ts'
import { blockTime, insert, insertAll, insertChain, TEST_CHAIN_ID } from '#test/factory.ts'
import { maxPromptTokens } from '../commands/credit.ts'
import { MARKET, type TestApi } from './api.ts'

export const consumer = privateKeyToAccount(`0x${'11'.repeat(32)}`)
export const stranger = privateKeyToAccount(`0x${'22'.repeat(32)}`)
export const me = consumer.address.toLowerCase()

export const REQUEST_TRAINING =
  'mutation ($input: FineTuneInput!, $key: String!) { fineTune(input: $input, idempotencyKey: $key) { id kind status input requestedBy parent { id } } }'
export const REQUEST_ANSWER =
  'mutation ($input: InferInput!, $key: String!) { infer(input: $input, idempotencyKey: $key) { id status input } }'

export async function createMarket({ db }: TestApi) {
  await insertChain(db, 10)
  await insert(db, Model, { id: '1' })
  await insert(db, Datanet, { id: '1', modelId: '1' })
  await insertAll(db, ModelVersion, [
    { id: '1', modelId: '1', status: 'Promoted' },
    { id: '2', modelId: '1', status: 'RolledBack', rollbackReason: 'worse' },
    { id: '3', modelId: '1', status: 'Registered' },
  ])
  await insertAll(
    db,
    Endpoint,
    ['1', '2', '3'].map((id) => ({ id, versionId: id, priceIn: 1000n, priceOut: 2000n })),
  )
}

export const codeOf = async (answer: ReturnType<TestApi['ask']>) => (await answer).errors?.[0]?.extensions.code
export const jobCount = async ({ db }: TestApi) =>
  (await db.query('select count(*) as count from job_run')).rows[0].count

export const signedVoucher = (
  voucher: { endpointId: bigint; cumulative: bigint; deadline: bigint },
  { chainId = TEST_CHAIN_ID, market: contract = MARKET, signer = consumer } = {},
) =>
  signer.signTypedData(
    voucherData({ chainId, contract: contract as `0x${string}` }, { consumer: consumer.address, ...voucher }),
  )

export const SUBMIT = `mutation ($endpointId: ID!, $consumer: String!, $cumulative: BigInt!, $deadline: BigInt!, $signature: String!) {
  submitVoucher(endpointId: $endpointId, consumer: $consumer, cumulative: $cumulative, deadline: $deadline, signature: $signature, idempotencyKey: "k") {
    id consumer cumulative used endpoint { id } } }`

export const VOUCHER_DEADLINE = BigInt(blockTime(1000).getTime() / 1000)

export async function submit(
  api: TestApi,
  {
    endpoint = 1n,
    cumulative = 100n,
    deadline = VOUCHER_DEADLINE,
    ...how
  }: {
    endpoint?: bigint
    cumulative?: bigint
    deadline?: bigint
    signature?: string
    chainId?: number
    market?: string
    signer?: typeof consumer
  } = {},
) {
  const signature = how.signature ?? (await signedVoucher({ endpointId: endpoint, cumulative, deadline }, how))
  return api.ask(SUBMIT, {
    endpointId: String(endpoint),
    consumer: consumer.address,
    cumulative: String(cumulative),
    deadline: String(deadline),
    signature,
  })
}

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
