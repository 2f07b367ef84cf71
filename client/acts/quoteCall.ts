import { maximumFee, maxPromptTokens } from '#rules/fee.ts'
import type { Client } from '../client.ts'
import { type Channel, channelWith } from '../reads/channel.ts'
import { DEFAULT_MAX_TOKENS, type Question, textOfCall } from './question.ts'

/** What a call can cost, and what there is to pay it. In wei of gOPEN. */
export interface CallQuote {
  channel: Channel
  /** No call with this prompt and so many tokens costs more. */
  maximum: bigint
  /** For 1,000 tokens. */
  priceIn: bigint
  priceOut: bigint
}

/**
 * Says what a call costs at most, before anything is signed.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { mnemonicToAccount } from 'viem/accounts'
 * import { connect, quoteCall } from '#client/index.ts'
 *
 * const account = mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: 10 })
 * const client = await connect('http://127.0.0.1:4000', { account })
 * const quoted = quoteCall(client, { endpointId: 99n, prompt: 'Where is my parcel?' })
 * await assert.rejects(quoted, /There is no endpoint 99/) // else { channel, maximum, priceIn, priceOut }
 * ```
 */
export async function quoteCall(
  client: Client,
  question: Pick<Question, 'endpointId' | 'prompt' | 'chat' | 'embed' | 'maxTokens'>,
): Promise<CallQuote> {
  const { endpointId, maxTokens = DEFAULT_MAX_TOKENS } = question
  const channel = await channelWith(client, endpointId)
  const [, , priceIn, priceOut] = await client.read('InferenceMarket', 'endpoints', [endpointId])
  const maximum = maximumFee(
    { priceIn, priceOut },
    maxPromptTokens(textOfCall(question)),
    question.embed ? 0 : maxTokens,
  )
  return { channel, maximum, priceIn, priceOut }
}
