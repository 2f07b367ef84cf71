import { parseEther } from 'viem'
import {
  type CallReceipt,
  callEndpoint,
  channelWith,
  deposit,
  type EndpointPrice,
  openEndpoint,
  verifyReceipt,
  wrap,
} from '#client/index.ts'
import { consumers } from '../consumers.ts'
import { TRIAGE } from '../modelFolder.ts'
import { scoreFields } from '../skill/score.ts'
import { type StageResult, type StoryContext, stageOf } from './context.ts'

const CREDIT = parseEther('20')
const MAX_TOKENS = 48

export const FREE: EndpointPrice = { priceIn: 0n, priceOut: 0n }
export const PRICE: EndpointPrice = TRIAGE.model.serving ?? FREE

/** The host opens an endpoint for a version. */
export const openTriageEndpoint = ({ as }: StoryContext, versionId: string, price = PRICE): Promise<bigint> =>
  openEndpoint(as('platform'), { versionId: BigInt(versionId), url: 'https://triage.example/v1', ...price })

/** Consumers deposit credit in channels with the endpoint; every call within it is answered, metered and attributed. They let
 *  prompts and answers be shown, so that the sources of each answer share its fee. */
export async function serveStage(
  { as, seed, recipe }: StoryContext,
  endpointId: bigint,
  round: 1 | 2,
): Promise<{ stage: StageResult; fees: bigint }> {
  const [before, after] = recipe.calls
  const asked: [number, number] = round === 1 ? [0, before] : [before, before + after]
  const customers = consumers(seed, before + after)
  // The first takes back what is left of its credit after each round.
  for (const { nth } of round === 1 ? customers : customers.slice(0, 1)) {
    await wrap(as('consumer', nth), CREDIT)
    await deposit(as('consumer', nth), { endpointId, amount: CREDIT })
  }
  const creditOf = async (nth: number) => (await channelWith(as('consumer', nth), endpointId)).balance
  const credit = await creditOf(0)
  const calls = customers.flatMap(({ name, nth, messages }) =>
    messages.slice(...asked).map((message, place) => ({ nth, message, key: `infer:${round}:${name}:${place}` })),
  )
  const ask = ({ nth, message, key }: (typeof calls)[number]) =>
    callEndpoint(as('consumer', nth), {
      ...{ endpointId, prompt: message.prompt, maxTokens: MAX_TOKENS, seed, open: true, key },
    })
  const receipts: CallReceipt[] = []
  let right = 0
  let signed = 0
  for (const one of calls) {
    const { answer, receipt } = await ask(one)
    receipts.push(receipt)
    if ((await verifyReceipt(as('consumer', one.nth), receipt)).valid) signed++
    const fields = scoreFields(answer, one.message.truth)
    if (fields.category && fields.urgency && fields.order) right++
  }
  const fees = receipts.reduce((sum, one) => sum + BigInt(one.fee ?? 0), 0n)
  const again = calls[0] && (await ask(calls[0]))
  const stage = stageOf(
    round === 1 ? 'serve' : 'serveAgain',
    { endpointId: endpointId.toString(), calls: receipts.length, right, fees: fees.toString() },
    {
      'every call left a receipt that its host has signed': signed === calls.length,
      'asking again under the same key charges nothing': again?.receipt.id === receipts[0]?.id,
      'the credit on chain is untouched until the epoch is settled': (await creditOf(0)) === credit && credit > 0n,
    },
  )
  return { fees, stage }
}
