import { maximumFee, maxPromptTokens } from '#rules/fee.ts'
import { Act } from '../act.ts'
import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { graphql, type VariablesOf } from '../graphql/document.ts'
import { waitForJob } from '../graphql/waitForJob.ts'
import { randomHex } from '../randomHex.ts'
import { type Channel, channelWith } from './channel.ts'
import { type CallReceipt, readReceipt } from './verifyReceipt.ts'
import { grant } from './voucher.ts'

const INFER = graphql(
  'mutation ($input: InferInput!, $key: String!) { infer(input: $input, idempotencyKey: $key) { id } }',
)
const PROMISED = graphql(`
  query ($id: ID!, $channel: String!) {
    signedVoucher(id: $id) { ceiling used }
    creditHolds(where: { channelId: { eq: $channel }, open: { eq: true } }, first: 1000) { nodes { maximum } }
  }`)

export interface Question
  extends Omit<VariablesOf<typeof INFER>['input'], 'consumer' | 'channelId' | 'endpointId' | 'maxTokens'> {
  endpointId: bigint
  /** Default 256. */
  maxTokens?: number
  /** Identifies the call: the same key gives the same answer, which is paid once. Default: a new one. */
  key?: string
}

export interface CallAnswer {
  answer: string
  receipt: CallReceipt
}

/** The tokens that an answer has at most, unless the question says otherwise. */
const MAX_TOKENS = 256

/**
 * Asks an endpoint and pays for the answer: signs a voucher for no more than the calls so far and this one may cost. The account needs credit with the
 * endpoint (`deposit`), unless it is free. A call that a crash interrupted is asked and paid once.
 * @throws ClientError when the credit is too little, with what to deposit.
 */
export const callEndpoint = (client: Client, question: Question): Promise<CallAnswer> => {
  const { endpointId, maxTokens = MAX_TOKENS, key: given, ...asked } = question
  const input = { ...asked, endpointId: endpointId.toString(), maxTokens }
  return Act.run(client, 'call', JSON.stringify([input, given ?? null]), async (act) => {
    const key = given ?? (await act.keep('key', randomHex))
    const channel = await channelWith(client, endpointId)
    const [, , priceIn, priceOut] = await client.read('InferenceMarket', 'endpoints', [endpointId])
    const maximum = maximumFee({ priceIn, priceOut }, maxPromptTokens(question.prompt), maxTokens)
    if (maximum > 0n) await grantCall(act, channel, maximum, key)
    act.progress({ step: 'asking' })
    const { infer } = await client.ask(INFER, {
      input: { ...input, consumer: act.account, channelId: maximum > 0n ? channel.id : null },
      key,
    })
    const { answer, receiptId } = await waitForJob<{ answer: string; receiptId: string }>(client, infer.id)
    return { answer, receipt: await readReceipt(client, receiptId) }
  })
}

/** Signs a voucher that covers what the channel's calls have cost, what is reserved, and this call; once for each call. */
async function grantCall(act: Act, channel: Channel, maximum: bigint, key: string): Promise<void> {
  const { client } = act
  const ceiling = BigInt(
    await act.keep(`ceiling of ${key}`, async () => {
      const { signedVoucher, creditHolds } = await client.ask(PROMISED, { id: channel.id, channel: channel.id })
      const used = BigInt(signedVoucher?.used ?? 0)
      const held = creditHolds.nodes.reduce((sum, one) => sum + BigInt(one.maximum ?? 0), 0n)
      const needed = (used > channel.redeemed ? used : channel.redeemed) + held + maximum
      if (needed > channel.redeemed + channel.balance)
        throw new ClientError(
          `This call may cost ${maximum} wei of gOPEN, and the credit with the endpoint lacks ${needed - channel.redeemed - channel.balance}. Deposit that much (deposit), or ask for fewer tokens.`,
        )
      return (BigInt(signedVoucher?.ceiling ?? 0) >= needed ? 0n : needed).toString()
    }),
  )
  if (ceiling === 0n) return
  await grant(client, { channelId: channel.id, ceiling })
}
