import { createHmac } from 'node:crypto'
import type { Request } from 'express'
import type { ApiDeployment } from '#graphql/context.ts'
import { authorizerOf } from '#rules/channel.ts'
import { maximumFee, maxPromptTokens } from '#rules/fee.ts'
import { type InferInput, maxTokensOut, promptOf } from '#schema/jobs.ts'
import { GatewayError } from '../errors.ts'
import type { ServedEndpoint } from '../models.ts'

/** `402 Payment Required` as x402 (version 2) has it, for its scheme `batch-settlement`: what a call costs at most, and to whom a voucher goes.
 *  See https://docs.x402.org and docs/protocol.md, "InferenceMarket". */

/** What a call demands of a client that has neither a key nor sent a voucher. */
export interface Demand {
  endpoint: Pick<ServedEndpoint, 'id' | 'host'>
  deployment: Pick<ApiDeployment, 'chainId' | 'addresses' | 'settings'>
  /** In wei: by so much the voucher's ceiling must exceed what is used and reserved of its channel. */
  amount: bigint
  /** Of the demand. The client sends it back with its voucher. */
  nonce: string
  /** Of the request. */
  url: string
}

/** Bits of the mark in an amount: at most a millionth of a gOPEN. */
const MARK_BITS = 40n

/** What the calls of a request cost at most, and a mark of that request. A voucher grants no more than this amount, so that it pays for no other request: without the
 *  secret, nobody finds a request of his own that has the amount of a voucher which he has seen; and without the nonce, nobody who guesses a request can tell
 *  from a voucher on the chain whether it was that one. */
export function demandedAmount(
  secret: Buffer,
  endpoint: Pick<ServedEndpoint, 'id' | 'priceIn' | 'priceOut'>,
  inputs: readonly InferInput[],
  request: Pick<Request, 'path' | 'body'>,
  nonce: string,
): bigint {
  const most = inputs.map((input) => maximumFee(endpoint, maxPromptTokens(promptOf(input)), maxTokensOut(input)))
  const text = `call:${JSON.stringify([nonce, endpoint.id, request.path, request.body])}`
  const mark = BigInt(`0x${createHmac('sha256', secret).update(text).digest('hex')}`) % 2n ** MARK_BITS
  return most.reduce((sum, one) => sum + one, 1n + mark)
}

/** What the client should know of its channel, so that it can sign the right ceiling. In wei. */
export interface ChannelState {
  channelId: string
  /** Used and reserved so far. */
  charged: bigint
  deposited: bigint
  redeemed: bigint
  /** The newest voucher. */
  newest?: { ceiling: bigint; signature: string }
}

/** x402's names of what is wrong with a payment. Its clients sign again at the first. */
export type PaymentFault = 'cumulative_amount_mismatch' | 'channel_id_mismatch' | 'channel_not_found' | 'payload_type'

/** The error of a request that must be paid, or paid otherwise. Its header `PAYMENT-REQUIRED` is for x402's clients, its message for people. */
export function paymentRequired(
  { endpoint, deployment, amount, nonce, url }: Demand,
  message: string,
  { fault, state }: { fault?: PaymentFault; state?: ChannelState } = {},
): GatewayError {
  const { addresses, chainId, settings } = deployment
  const [market, token] = [addresses.InferenceMarket, addresses.GOpen] as `0x${string}`[]
  const demanded = {
    x402Version: 2,
    error: fault ? `invalid_batch_settlement_evm_${fault}` : message,
    resource: { url, description: `A call of endpoint ${endpoint.id}`, mimeType: 'application/json' },
    accepts: [
      {
        scheme: 'batch-settlement',
        network: `eip155:${chainId}`,
        amount: String(amount),
        asset: token,
        payTo: endpoint.host,
        maxTimeoutSeconds: 300,
        extra: {
          receiverAuthorizer: authorizerOf(market as `0x${string}`, BigInt(endpoint.id)),
          withdrawDelay: Number(settings?.withdrawalDelay),
          nonce,
          ...(state && stateFields(state)),
        },
      },
    ],
  }
  const header = Buffer.from(JSON.stringify(demanded)).toString('base64')
  return new GatewayError(402, message, {
    type: 'insufficient_quota',
    code: 'payment_required',
    headers: { 'payment-required': header },
  })
}

const stateFields = ({ channelId, charged, deposited, redeemed, newest }: ChannelState) => ({
  channelState: {
    channelId,
    balance: String(deposited),
    totalClaimed: String(redeemed),
    chargedCumulativeAmount: String(charged),
  },
  ...(newest && {
    voucherState: { signedMaxClaimable: String(newest.ceiling), signature: newest.signature },
  }),
})
