import { Act } from '../act.ts'
import { inGOpen } from '../amounts.ts'
import type { Client } from '../client.ts'
import { ApiRefusal, ClientError, DryRunEnd } from '../errors.ts'
import { waitForJob } from '../graphql/waitForJob.ts'
import { pause } from '../pause.ts'
import type { Channel } from '../reads/channel.ts'
import { chargedOf } from '../reads/charged.ts'
import { type CallReceipt, readReceipt } from '../reads/receipt.ts'
import { grant } from './grant.ts'
import { DEFAULT_MAX_TOKENS, INFER, type Question } from './question.ts'
import { quoteCall } from './quoteCall.ts'
import { streamCall } from './streamCall.ts'

export interface CallAnswer {
  answer: string
  receipt: CallReceipt
}

/** Of a call that was refused because another one reserved the room of its voucher: more than the calls of an account that wait at the same time. */
const MAX_ATTEMPTS = 100

/**
 * Asks an endpoint and pays for the answer: signs a voucher for no more than the calls so far and this one may cost. The account needs credit with the
 * endpoint (`deposit`), unless it is free. A call that a crash interrupted is asked and paid once; one that failed, or was cancelled before its first token, has cost nothing, and is asked for anew when it is asked again.
 * @throws ClientError when the credit is too little, with what to deposit.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { callEndpoint, connect } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const question = { endpointId: 99n, prompt: 'Where is my parcel?', maxTokens: 32 }
 * await assert.rejects(callEndpoint(client, question), /There is no endpoint 99/) // else { answer, receipt }
 * ```
 */
export const callEndpoint = (client: Client, question: Question): Promise<CallAnswer> => {
  const { endpointId, maxTokens = DEFAULT_MAX_TOKENS, key: given, onText, ...asked } = question
  const input = { ...asked, endpointId: endpointId.toString(), maxTokens }
  return Act.run(client, 'call', JSON.stringify([input, given ?? null]), async (act) => {
    const answered = (key: string) => ask(act, key)
    return given === undefined ? act.askForJob('key', answered) : answered(given)
  })

  async function ask(act: Act, key: string): Promise<CallAnswer> {
    const { channel, maximum } = await quoteCall(client, question)
    act.progress({ step: 'asking' })
    const request = async (channelId: string | null) => {
      if (client.plan)
        throw new DryRunEnd(`The endpoint would be asked. The answer costs at most ${inGOpen(maximum)} of the credit.`)
      const call = { endpointId, maxTokens, consumer: act.account, channelId, key }
      const { prompt } = asked
      const streamed = onText && prompt ? await streamCall(client, { ...call, prompt, onText }) : undefined
      if (streamed) return streamed
      return (await client.ask(INFER, { input: { ...input, consumer: act.account, channelId }, key })).infer.id
    }
    const job =
      maximum > 0n ? await grantAndAsk(act, { channel, maximum, key }, () => request(channel.id)) : await request(null)
    const { answer, receiptId } = await waitForJob<{ answer: string; receiptId: string }>(client, job)
    return { answer, receipt: await readReceipt(client, receiptId) }
  }
}

interface PaidCall {
  channel: Channel
  /** In wei. */
  maximum: bigint
  key: string
}

/** Asks under a voucher that covers the call. When calls of the account at the same time have reserved the room that this one has counted on, it counts
 *  again and signs for theirs and its own. */
async function grantAndAsk<T>(act: Act, call: PaidCall, ask: () => Promise<T>): Promise<T> {
  const { pollMs, signal } = act.client
  for (let attempt = 1; ; attempt++) {
    await grantCall(act, call, attempt)
    try {
      return await ask()
    } catch (error) {
      if (!isRefusal(error, 'VOUCHER_TOO_SMALL') || attempt === MAX_ATTEMPTS) throw error
    }
    await pause(Math.random() * pollMs, signal) // so that calls that collided do not do so again
  }
}

const isRefusal = (error: unknown, code: string) => error instanceof ApiRefusal && error.code === code

/** Signs a voucher that covers what the channel's calls have cost, what is reserved, and this call; once for each attempt, also after a crash. */
async function grantCall(act: Act, { channel, maximum, key }: PaidCall, attempt: number): Promise<void> {
  const { client } = act
  const ceiling = BigInt(
    await act.keep(`ceiling ${attempt} of ${key}`, async () => {
      const { charged, ceiling: granted } = await chargedOf(client, channel)
      const needed = charged + maximum
      if (needed > channel.redeemed + channel.balance)
        throw new ClientError(
          `This call may cost ${inGOpen(maximum)}, and the credit with the endpoint lacks ${inGOpen(needed - channel.redeemed - channel.balance)}. Deposit that much (credit deposit), or ask for fewer tokens.`,
        )
      return (granted >= needed ? 0n : needed).toString()
    }),
  )
  if (ceiling === 0n) return
  try {
    await grant(client, { channelId: channel.id, ceiling })
  } catch (error) {
    // A later call has granted more already: the API decides whether that covers this call, too.
    if (!isRefusal(error, 'VOUCHER_SUPERSEDED')) throw error
  }
}
