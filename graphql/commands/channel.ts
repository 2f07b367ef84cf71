import { formatEther } from 'viem'
import type { Sql } from '#schema/database.ts'
import { ApiError } from '../errors.ts'

/** A call that a channel shall pay. */
interface Payable {
  endpointId: string
  /** In lower case. */
  consumer: string
  /** In lower case. The channel that pays; any of the consumer's with the endpoint when absent. */
  channelId?: string
  /** In wei. */
  maximum: bigint
  /** The output tokens that a call may request for so many wei; undefined when output is free. */
  affordable: (free: bigint) => bigint | undefined
}

/** A channel with a voucher, and what is promised of it. In wei. */
interface PromisedChannel {
  id: string
  ceiling: bigint
  /** Fees of answered calls so far. */
  used: bigint
  redeemed: bigint
  balance: bigint
  withdrawing: bigint
  /** Maxima of the calls that are not answered yet. */
  held: bigint
}

/** The channel that pays a call: the given one, or the one with the newest voucher that has room. Both the voucher's ceiling and the credit that
 *  the consumer does not withdraw must cover what is used and not redeemed, what is reserved, and the call. Read in one statement, so that the end of a
 *  call, or a redemption, counts either before or after.
 *  @throws ApiError about the given channel, or about the one with the newest voucher. */
export async function channelFor(sql: Sql, call: Payable): Promise<string> {
  const { endpointId, consumer, channelId, maximum } = call
  // `used` is less than `redeemed` only in an old copy of the database.
  const { rows } = await sql.query<PromisedChannel & { fits: boolean }>(
    `select *, used + held + $4 <= ceiling and used - redeemed + held + $4 <= balance - withdrawing as fits from (
       select c.id, s.ceiling, greatest(s.used, c.redeemed) as used, c.redeemed, c.balance, c.withdrawing, coalesce(h.held, 0) as held, s.signed_at
       from payment_channel c join signed_voucher s on s.id = c.id
       left join (select channel_id, sum(maximum) as held from credit_hold where consumer = $2 and open group by channel_id) h on h.channel_id = c.id
       where c.endpoint_id = $1 and c.consumer = $2 and c.to_block is null and ($3::text is null or c.id = $3)) promised
     order by fits desc, signed_at desc, id limit 1`,
    [endpointId, consumer, channelId ?? null, maximum],
  )
  const [newest] = rows
  if (newest?.fits) return newest.id
  throw newest ? shortage(newest, call) : await missing(sql, call)
}

/** The largest ceiling of a voucher. */
export const MAX_CEILING = 2n ** 128n - 1n

function shortage(channel: PromisedChannel, { maximum, affordable }: Payable): ApiError {
  const { id, ceiling, used, redeemed, balance, withdrawing, held } = channel
  const needed = used + held + maximum
  if (needed > MAX_CEILING)
    return new ApiError(
      'VOUCHER_TOO_SMALL',
      `This call may cost ${maximum} wei, more than any voucher of channel ${id} can grant. Request fewer tokens, or deposit into another channel.`,
    )
  if (needed > ceiling)
    return new ApiError(
      'VOUCHER_TOO_SMALL',
      `This call may cost ${maximum} wei; the voucher of channel ${id} grants ${ceiling}, of which ${used + held} are used or reserved. Sign one with a ceiling of at least ${needed} and submit it with submitVoucher.`,
    )
  const owed = used - redeemed
  const free = balance - withdrawing - owed - held
  return new ApiError(
    'NOT_ENOUGH_CREDIT',
    `This call may cost ${maximum} wei; channel ${id} has ${free} free (credit ${balance}, ${withdrawing} being withdrawn, ${held} reserved, ${owed} owed). Deposit at least ${maximum - free} wei more into it${fewerTokens(affordable(free))}.`,
  )
}

const fewerTokens = (affordable: bigint | undefined) =>
  affordable === undefined || affordable === 0n ? '' : `, or request at most ${affordable} output tokens`

/** Why no channel with a voucher was found. */
async function missing(sql: Sql, { endpointId, consumer, channelId, maximum }: Payable): Promise<ApiError> {
  const { rows } = await sql.query<{ id: string; consumer: string; endpointId: string }>(
    `select id, consumer, endpoint_id as "endpointId" from payment_channel
     where to_block is null and (id = $3 or $3::text is null and endpoint_id = $1 and consumer = $2) order by from_block desc, id limit 1`,
    [endpointId, consumer, channelId ?? null],
  )
  const [channel] = rows
  if (!channel)
    return channelId
      ? unknownChannel(channelId)
      : new ApiError(
          'NO_CHANNEL',
          `${consumer} has no payment channel with endpoint ${endpointId}. Deposit at least ${maximum} wei into one (InferenceMarket.deposit), wait until the deposit is indexed, and submit a voucher with submitVoucher.`,
        )
  if (channel.consumer !== consumer || channel.endpointId !== endpointId)
    return new ApiError(
      'OTHER_CHANNEL',
      `Channel ${channel.id} is the one of ${channel.consumer} with endpoint ${channel.endpointId}; this call is for ${consumer} at endpoint ${endpointId}. Name a channel of that account with that endpoint, or none.`,
    )
  return new ApiError(
    'NO_VOUCHER',
    `Channel ${channel.id} of ${consumer} with endpoint ${endpointId} has no voucher. Sign one that grants at least ${maximum} wei and submit it with submitVoucher (modelcommons credit grant ${endpointId} ${formatEther(maximum)}).`,
  )
}

export const unknownChannel = (channelId: string): ApiError =>
  new ApiError(
    'UNKNOWN_CHANNEL',
    `There is no payment channel ${channelId} in the index. Deposit into it first (InferenceMarket.deposit); a deposit that was just made may take a few seconds to be indexed.`,
  )
