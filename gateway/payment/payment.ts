import type { Hex } from 'viem'
import { readSignature, requireSigner } from '#graphql/commands/voucherSignature.ts'
import { storeVoucher } from '#graphql/commands/vouchers.ts'
import { channelId } from '#rules/channel.ts'
import { lockCredit } from '#schema/advisoryLocks.ts'
import type { Sql } from '#schema/database.ts'
import { type ChannelState, type Demand, paymentRequired } from './demand.ts'
import type { SentVoucher } from './voucherHeader.ts'

/** A voucher that pays for one request. */
export interface Payment {
  consumer: string
  channelId: Hex
  /** Used and reserved of the channel before the request, in wei. */
  before: bigint
  /** Takes the voucher, in a transaction. @throws GatewayError when the channel has changed since it was signed: then it is not taken. */
  take(sql: Sql): Promise<void>
}

/** @throws GatewayError or ApiError unless the voucher is signed by the key of a channel with the demanded endpoint. */
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
  await requireSigner(chainId, key, { channelId: id, ceiling }, signature)
  const take = async (own: Sql) => {
    await lockCredit(own, consumer)
    const state = await stateOf(own, id)
    if (!state)
      throw paymentRequired(
        demand,
        `The index has no channel ${id}. Deposit into it first (modelcommons credit deposit ${endpoint.id}); a deposit that was just made may take a few seconds.`,
        { fault: 'channel_not_found' },
      )
    if (ceiling !== state.charged + amount)
      throw paymentRequired(
        demand,
        `The voucher’s ceiling is ${ceiling} wei; of channel ${id} ${state.charged} are used or reserved, and this request demands ${amount} more: sign ${state.charged + amount}.`,
        { fault: 'cumulative_amount_mismatch', state },
      )
    if (ceiling > state.redeemed && ceiling > (state.newest?.ceiling ?? 0n))
      await storeVoucher(own, { consumer, endpointId: endpoint.id }, { channelId: id, ceiling }, signature)
  }
  const payment = { consumer, channelId: id, before: ceiling - amount, take }
  await take(sql)
  return payment
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

/** The header `PAYMENT-RESPONSE`, from which x402's clients learn what was charged of their channel. */
export function paymentResponse(
  { before, channelId, consumer }: Payment,
  results: readonly { fee: string }[],
  chainId: number,
): string {
  const charged = results.reduce((sum, { fee }) => sum + BigInt(fee), 0n)
  const settled = {
    success: true,
    transaction: '',
    network: `eip155:${chainId}`,
    payer: consumer,
    extra: {
      chargedAmount: String(charged),
      channelState: { channelId, chargedCumulativeAmount: String(before + charged) },
    },
  }
  return Buffer.from(JSON.stringify(settled)).toString('base64')
}
