import { voucherData } from '#rules/signing.ts'
import { exampleAccount } from '../accounts.ts'
import { type Consumer, consumers } from '../consumers.ts'
import { scoreFields } from '../skill/score.ts'
import { eventOf } from './chain.ts'
import { approve, Checks, ether, type StageResult, type StoryContext, wrap } from './context.ts'

/** Prices for 1,000 tokens. */
const PRICE_IN = ether('0.4')
const PRICE_OUT = ether('1.6')
const CREDIT = ether('20')
const MAX_TOKENS = 48
/** In seconds: a time in the far future. */
const DEADLINE = 4_000_000_000n

/** The host opens an endpoint for the live version. */
export async function openEndpoint({ chain, api }: StoryContext, versionId: string): Promise<string> {
  const opened = await chain.send(exampleAccount('platform'), 'InferenceMarket', 'registerEndpoint', [
    BigInt(versionId),
    'https://triage.example/v1',
    PRICE_IN,
    PRICE_OUT,
  ])
  await api.waitUntilIndexed(opened.blockNumber)
  return eventOf(opened, 'InferenceMarket', 'EndpointRegistered').args.endpointId.toString()
}

/** Consumers deposit credit and grant vouchers to the endpoint; every call within them is answered, metered and attributed. */
export async function serveStage(
  context: StoryContext,
  endpointId: string,
  round: 1 | 2,
): Promise<{ stage: StageResult; fees: bigint }> {
  const { api, chain, seed, recipe } = context
  const [before, after] = recipe.calls
  const asked: [number, number] = round === 1 ? [0, before] : [before, before + after]
  const customers = consumers(seed, before + after)
  for (const customer of customers) {
    if (round === 1) await prepay(context, customer)
    await grant(context, customer, endpointId, (CREDIT * BigInt(round)) / 2n)
  }
  const receipts: string[] = []
  let right = 0
  for (const { name, nth, messages } of customers)
    for (const [place, message] of messages.slice(...asked).entries()) {
      const input = {
        endpointId,
        prompt: message.prompt,
        maxTokens: MAX_TOKENS,
        seed,
        consumer: exampleAccount('consumer', nth).address,
      }
      const answer = await api.runJob<{ receiptId: string; answer: string }>(
        'infer',
        input,
        `infer:${round}:${name}:${place}`,
      )
      receipts.push(answer.receiptId)
      const fields = scoreFields(answer.answer, message.truth)
      if (fields.category && fields.urgency && fields.order) right++
    }
  const { answered } = await api.query<{ answered: { nodes: { id: string; fee: string; signature: string }[] } }>(
    'query ($ids: [ID!]!) { answered: receipts(where: { id: { in: $ids } }, first: 1000) { nodes { id fee signature } } }',
    { ids: receipts },
  )
  const fees = answered.nodes.reduce((sum, one) => sum + BigInt(one.fee), 0n)
  const [firstCustomer] = customers
  const firstMessage = firstCustomer?.messages[asked[0]]
  if (!firstCustomer || !firstMessage) throw new Error('No consumer has a message.')
  const again = await api.runJob<{ receiptId: string }>(
    'infer',
    {
      endpointId,
      prompt: firstMessage.prompt,
      maxTokens: MAX_TOKENS,
      seed,
      consumer: exampleAccount('consumer', firstCustomer.nth).address,
    },
    `infer:${round}:${firstCustomer.name}:0`,
  )
  const checks = new Checks()
  checks.that(
    'every call left a signed receipt',
    answered.nodes.length === receipts.length && answered.nodes.every((one) => one.signature.length === 132),
  )
  checks.that('asking again under the same key charges nothing', again.receiptId === receipts[0])
  checks.that(
    'the credit on chain is untouched until the epoch is settled',
    (await chain.read('InferenceMarket', 'credit', [exampleAccount('consumer', 0).address])) > 0n,
  )
  return {
    fees,
    stage: {
      name: round === 1 ? 'serve' : 'serveAgain',
      ok: checks.failed.length === 0,
      facts: { endpointId, calls: receipts.length, right, fees: fees.toString(), failed: checks.failed.join('; ') },
    },
  }
}

async function prepay(context: StoryContext, { nth }: Consumer): Promise<void> {
  await wrap(context, 'consumer', nth, CREDIT)
  await approve(context, 'consumer', nth, 'InferenceMarket', CREDIT)
  const paid = await context.chain.send(exampleAccount('consumer', nth), 'InferenceMarket', 'deposit', [
    exampleAccount('consumer', nth).address,
    CREDIT,
  ])
  await context.api.waitUntilIndexed(paid.blockNumber)
}

/** Signs and submits a voucher: the endpoint may charge up to `cumulative` in total. */
async function grant(
  { api, chain }: StoryContext,
  { nth }: Consumer,
  endpointId: string,
  cumulative: bigint,
): Promise<void> {
  const account = exampleAccount('consumer', nth)
  const place = { chainId: chain.chainId, contract: chain.addresses.InferenceMarket }
  const voucher = { consumer: account.address, endpointId: BigInt(endpointId), cumulative, deadline: DEADLINE }
  const signature = await account.signTypedData(voucherData(place, voucher))
  await api.query(
    `mutation ($endpointId: ID!, $consumer: String!, $cumulative: BigInt!, $deadline: BigInt!, $signature: String!, $key: String!) {
      submitVoucher(endpointId: $endpointId, consumer: $consumer, cumulative: $cumulative, deadline: $deadline, signature: $signature, idempotencyKey: $key) { id }
    }`,
    {
      endpointId,
      consumer: account.address,
      cumulative: cumulative.toString(),
      deadline: DEADLINE.toString(),
      signature,
      key: `voucher:${nth}:${cumulative}`,
    },
  )
}
