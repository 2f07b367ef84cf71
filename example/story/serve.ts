import { parseEther } from 'viem'
import {
  type CallReceipt,
  callEndpoint,
  channelWith,
  deposit,
  openEndpoint,
  verifyReceipt,
  wrap,
} from '#client/index.ts'
import { consumers } from '../consumers.ts'
import { TRIAGE } from '../modelFolder.ts'
import { scoreFields } from '../skill/score.ts'
import { Checks, type StageResult, type StoryContext } from './context.ts'

const CREDIT = parseEther('20')
const MAX_TOKENS = 48

/** The host opens an endpoint for the live version. */
export const openTriageEndpoint = async ({ as }: StoryContext, versionId: string): Promise<string> => {
  const terms = {
    versionId: BigInt(versionId),
    url: 'https://triage.example/v1',
    ...(TRIAGE.model.serving ?? { priceIn: 0n, priceOut: 0n }),
  }
  return (await openEndpoint(as('platform'), terms)).toString()
}

/** Consumers deposit credit in channels with the endpoint; every call within it is answered, metered and attributed. They let
 *  prompts and answers be shown, so that the sources of each answer share its fee. */
export async function serveStage(
  context: StoryContext,
  endpointId: string,
  round: 1 | 2,
): Promise<{ stage: StageResult; fees: bigint }> {
  const { as, seed, recipe } = context
  const [before, after] = recipe.calls
  const asked: [number, number] = round === 1 ? [0, before] : [before, before + after]
  const customers = consumers(seed, before + after)
  if (round === 1)
    for (const { nth } of customers) {
      await wrap(as('consumer', nth), CREDIT)
      await deposit(as('consumer', nth), { endpointId: BigInt(endpointId), amount: CREDIT })
    }
  const creditOf = async (nth: number) => (await channelWith(as('consumer', nth), BigInt(endpointId))).balance
  const credit = await creditOf(0)
  const calls = customers.flatMap(({ name, nth, messages }) =>
    messages.slice(...asked).map((message, place) => ({ nth, message, key: `infer:${round}:${name}:${place}` })),
  )
  const ask = ({ nth, message, key }: (typeof calls)[number]) =>
    callEndpoint(as('consumer', nth), {
      ...{ endpointId: BigInt(endpointId), prompt: message.prompt, maxTokens: MAX_TOKENS, seed, open: true, key },
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
  const [first] = calls
  if (!first) throw new Error('No consumer has a message.')
  const again = await ask(first)
  const checks = new Checks()
  checks.that('every call left a receipt that its host has signed', signed === calls.length)
  checks.that('asking again under the same key charges nothing', again.receipt.id === receipts[0]?.id)
  checks.that(
    'the credit on chain is untouched until the epoch is settled',
    (await creditOf(0)) === credit && credit > 0n,
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
