import { parseEther } from 'viem'
import { exampleAccount } from '../accounts.ts'
import { consumers } from '../consumers.ts'
import { scoreFields } from '../skill/score.ts'
import { eventOf } from './chain.ts'
import { Checks, type StageResult, type StoryContext } from './context.ts'
import { creditOf, grant, prepay } from './pay.ts'

/** Prices for 1,000 tokens. */
const PRICE_IN = parseEther('0.4')
const PRICE_OUT = parseEther('1.6')
const CREDIT = parseEther('20')
const MAX_TOKENS = 48

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

/** Consumers deposit credit in channels with the endpoint and sign vouchers for them; every call within them is answered, metered and attributed. They let
 *  prompts and answers be shown, so that the sources of each answer share its fee. */
export async function serveStage(
  context: StoryContext,
  endpointId: string,
  round: 1 | 2,
): Promise<{ stage: StageResult; fees: bigint }> {
  const { api, seed, recipe } = context
  const [before, after] = recipe.calls
  const asked: [number, number] = round === 1 ? [0, before] : [before, before + after]
  const customers = consumers(seed, before + after)
  for (const { nth } of customers) {
    if (round === 1) await prepay(context, nth, endpointId, CREDIT)
    await grant(context, nth, endpointId, (CREDIT * BigInt(round)) / 2n)
  }
  const credit = await creditOf(context, 0, endpointId)
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
        open: true,
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
      open: true,
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
    (await creditOf(context, 0, endpointId)) === credit && credit > 0n,
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
