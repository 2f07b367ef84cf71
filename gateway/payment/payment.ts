import { OFFER_RECEIPT } from '@x402/extensions/offer-receipt'
import type { Hex } from 'viem'
import { readSignature, requireSigner } from '#graphql/commands/voucherSignature.ts'
import { storeVoucher } from '#graphql/commands/vouchers.ts'
import type { Services } from '#graphql/context.ts'
import { ApiError } from '#graphql/errors.ts'
import { channelId } from '#rules/channel.ts'
import { lockCredit } from '#schema/advisoryLocks.ts'
import type { Sql } from '#schema/database.ts'
import { type ReadReceipt, signedReceipt } from '../receipts.ts'
import { type ChannelState, type Demand, paymentRequired } from './demand.ts'
import type { SentVoucher } from './voucherHeader.ts'

/** A voucher that pays for one request. */
export interface Payment {
  consumer: string
  channelId: Hex
  /** Of the request that it pays. */
  resourceUrl: string
  /** Takes the voucher, in a transaction. @throws GatewayError when the channel has changed since it was signed: then it is not taken. */
  take(sql: Sql): Promise<void>
}

/** Whoever signs a voucher asks as its payer. @throws ApiError unless the payer has signed it itself: anybody may deposit into a channel of anybody, with a key of his own. */
export async function requirePayer(chainId: number, { consumer, key, channelId, ceiling, signature }: SentVoucher) {
  if (key !== consumer)
    throw new ApiError(
      'WRONG_SIGNER',
      `Channel ${channelId} has the key ${key}, and its payer is ${consumer}. Only a voucher that the payer has signed itself pays for a request; with another key, send a key of this API.`,
    )
  await requireSigner(chainId, key, { channelId, ceiling }, readSignature(signature))
}

/** @param sent what its payer has signed. @throws GatewayError unless it is of a channel with the demanded endpoint, and grants what is demanded. */
export async function checkPayment(sql: Sql, sent: SentVoucher | 'deposit', demand: Demand): Promise<Payment> {
  const { deployment, endpoint, amount } = demand
  if (sent === 'deposit')
    throw paymentRequired(
      demand,
      `Deposit into a channel with endpoint ${endpoint.id} by the market itself (modelcommons credit deposit ${endpoint.id}), and send vouchers of it: a client of x402 does with the option depositStrategy: () => false.`,
      { fault: 'payload_type' },
    )
  const { consumer, key, salt, ceiling } = sent
  const { addresses, settings, chainId } = deployment
  const market = {
    chainId,
    market: addresses.InferenceMarket as Hex,
    token: addresses.GOpen as Hex,
    withdrawalDelay: Number(settings?.withdrawalDelay),
  }
  const id = channelId(market, {
    endpointId: BigInt(endpoint.id),
    host: endpoint.host as Hex,
    ...{ consumer, key, salt },
  }).toLowerCase() as Hex
  if (id !== sent.channelId)
    throw paymentRequired(demand, `The voucher is of another channel than the payer’s with endpoint ${endpoint.id}.`, {
      fault: 'channel_id_mismatch',
    })
  const signature = readSignature(sent.signature)
  const take = async (own: Sql) => {
    await lockCredit(own, consumer)
    const state = await stateOf(own, id)
    if (!state)
      throw paymentRequired(
        demand,
        `The index has no channel ${id}. Deposit into it first (modelcommons credit deposit ${endpoint.id}); a deposit that was just made may take a few seconds.`,
        { fault: 'channel_not_found' },
      )
    if (ceiling !== state.charged + amount) {
      const fault = 'cumulative_amount_mismatch'
      if (!(await answersDemand(own, state, { ceiling, amount })))
        throw paymentRequired(
          demand,
          `The voucher’s ceiling of ${ceiling} wei is not what channel ${id} has used and reserved, and the ${amount} that this request demands. Forget what is kept of the channel: by a voucher of what was redeemed, and ${amount} more, its payer learns the rest.`,
          { fault },
        )
      throw paymentRequired(
        demand,
        `The voucher’s ceiling is ${ceiling} wei; of channel ${id} ${state.charged} are used or reserved, and this request demands ${amount} more: sign ${state.charged + amount}.`,
        { fault, state },
      )
    }
    if (ceiling > state.redeemed && ceiling > (state.newest?.ceiling ?? 0n))
      await storeVoucher(own, { consumer, endpointId: endpoint.id }, { channelId: id, ceiling }, signature)
  }
  const payment = { consumer, channelId: id, resourceUrl: demand.url, take }
  await take(sql)
  return payment
}

/** The sums of this many receipts are remembered by a client that has missed what came after. */
const MAX_RECEIPTS = 100

/** Whether a voucher was signed for this demand. Who shows one that was redeemed, and so is on the chain for everybody, is not told what its channel has used. */
async function answersDemand(
  sql: Sql,
  { channelId: id, redeemed, newest }: ChannelState,
  { ceiling, amount }: { ceiling: bigint; amount: bigint },
): Promise<boolean> {
  const before = ceiling - amount
  if (ceiling > (newest?.ceiling ?? redeemed) || before === redeemed) return true
  const { rowCount } = await sql.query(
    `select from (select cumulative from receipt where channel_id = $1 order by cumulative desc limit ${MAX_RECEIPTS}) known where cumulative = $2`,
    [id, before],
  )
  return rowCount !== 0
}

async function stateOf(sql: Sql, id: string): Promise<ChannelState | undefined> {
  const { rows } = await sql.query<
    Omit<ChannelState, 'channelId' | 'newest'> & { ceiling: bigint | null; signature: string | null }
  >(
    `select greatest(s.used, c.redeemed) + coalesce(h.held, 0) as charged, c.balance + c.redeemed as deposited, c.redeemed, s.ceiling, s.signature
     from payment_channel c left join signed_voucher s on s.id = c.id
       left join (select channel_id, sum(maximum) as held from credit_hold where channel_id = $1 and open group by channel_id) h on h.channel_id = c.id
     where c.id = $1 and c.to_block is null`,
    [id],
  )
  const [found] = rows
  if (!found) return undefined
  const { charged, deposited, redeemed, ceiling, signature } = found
  const newest = ceiling !== null && signature !== null ? { ceiling, signature } : undefined
  return { channelId: id, charged: BigInt(charged), deposited: BigInt(deposited), redeemed, newest }
}

/** The header `PAYMENT-RESPONSE`, from which x402's clients learn what answers cost, what is used and reserved of their channel, and the signed receipt of the first
 *  answer. */
export async function paymentResponse(
  services: Services,
  { channelId, consumer }: Payment,
  results: readonly { receiptId: string; fee: string }[],
): Promise<string> {
  const fees = results.reduce((sum, { fee }) => sum + BigInt(fee), 0n)
  const state = await stateOf(services.db, channelId)
  const { chainId } = services.deployment
  const first =
    results[0] && (await signedReceipt(services, { kind: 'payer', account: consumer }, results[0].receiptId))
  const settled = {
    success: true,
    transaction: '',
    network: `eip155:${chainId}`,
    payer: consumer,
    extra: {
      chargedAmount: String(fees),
      ...(state && { channelState: { channelId, chargedCumulativeAmount: String(state.charged) } }),
    },
    ...(first?.x402Receipt && { extensions: { [OFFER_RECEIPT]: { info: receiptInfo(first) } } }),
  }
  return Buffer.from(JSON.stringify(settled)).toString('base64')
}

/** x402's receipt says that the payment was served; `answer`, what for: the answer's receipt, with the hash of the response and the digest of its attribution, without
 *  the texts, which the body has. */
const receiptInfo = ({ x402Receipt, prompt: _, answer: __, ...answer }: ReadReceipt) => ({
  receipt: x402Receipt,
  answer,
})
