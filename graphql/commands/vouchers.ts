import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql'
import type { Hex } from 'viem'
import type { Voucher } from '#rules/channel.ts'
import { lockCredit } from '#schema/advisoryLocks.ts'
import type { Sql } from '#schema/database.ts'
import { SignedVoucher } from '#schema/offchain/access.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import { MAX_CEILING, unknownChannel } from './channel.ts'
import { requireHosted } from './hosted.ts'
import { COMMON_CHAINS, readSignature, requireSigner } from './voucherSignature.ts'

@Resolver()
export class VoucherCommand {
  @Mutation(() => SignedVoucher, {
    description:
      'Submits a voucher: an EIP-712 signature with which the key of a payment channel grants its endpoint fees up to a ceiling, for all calls so far and to come. Submitting the newest one again changes nothing.',
    complexity: 5_000, // it recovers up to nine signers, for whoever asks
  })
  async submitVoucher(
    @Arg('channelId', () => ID, { description: 'The payment channel.' }) channelId: string,
    @Arg('ceiling', () => BigIntScalar, {
      description: 'All fees granted from this channel so far, in wei: below 2^128.',
    })
    ceiling: bigint,
    @Arg('signature', () => String, {
      description: 'The signature of the channel’s key, 65 bytes as hex, with v 27 or 28 and a low s.',
    })
    signature: string,
    @Arg('idempotencyKey', () => String, {
      description: 'Identifies this request. Submitting the same voucher twice has the same effect as once.',
    })
    _key: string,
    @Ctx() { db, deployment, reader }: ApiContext,
  ) {
    const voucher = readVoucher(channelId, ceiling)
    const signed = readSignature(signature)
    const channel = await channelOf(db, voucher.channelId)
    requireHosted(deployment.hosts ?? [], { id: channel.endpointId, host: channel.host })
    await requireSigner(deployment.chainId, channel.key, voucher, signed, COMMON_CHAINS)
    await db.transaction((sql) => storeVoucher(sql, channel, voucher, signed))
    const table = tableFor(SignedVoucher)
    return reader.one(`voucher:${voucher.channelId}`, table, await reader.asOf(), table.columns, voucher.channelId)
  }
}

/** @throws ApiError when they cannot be those of a voucher. */
function readVoucher(channelId: string, ceiling: bigint): Voucher {
  if (!/^0x[0-9a-fA-F]{64}$/.test(channelId))
    throw new ApiError(
      'BAD_INPUT',
      `channelId must be 0x and 64 hex digits; got ${JSON.stringify(channelId.slice(0, 80))}.`,
    )
  if (ceiling <= 0n || ceiling > MAX_CEILING)
    throw new ApiError('BAD_INPUT', 'ceiling must be a positive number of wei below 2^128.')
  return { channelId: channelId.toLowerCase() as Hex, ceiling }
}

interface HostedChannel {
  endpointId: string
  host: string
  consumer: string
  key: string
}

/** @throws ApiError when the index does not have it. */
async function channelOf(sql: Sql, id: string): Promise<HostedChannel> {
  const { rows } = await sql.query<HostedChannel>(
    `select c.endpoint_id as "endpointId", c.consumer, c.key, e.host
     from payment_channel c join endpoint e on e.id = c.endpoint_id and e.to_block is null where c.id = $1 and c.to_block is null`,
    [id],
  )
  if (!rows[0]) throw unknownChannel(id)
  return rows[0]
}

/** Stores the newest voucher of a channel. Its ceiling must grow. */
export async function storeVoucher(
  sql: Sql,
  { consumer, endpointId }: Pick<HostedChannel, 'consumer' | 'endpointId'>,
  { channelId, ceiling }: Voucher,
  signature: Hex,
): Promise<void> {
  await lockCredit(sql, consumer)
  const { rows } = await sql.query<{ newest: bigint | null; redeemed: bigint }>(
    `select s.ceiling as newest, c.redeemed from payment_channel c left join signed_voucher s on s.id = c.id
     where c.id = $1 and c.to_block is null`,
    [channelId],
  )
  if (!rows[0]) throw unknownChannel(channelId)
  const { newest, redeemed } = rows[0]
  if (newest === ceiling) return
  const [granted, what] = newest !== null && newest > redeemed ? [newest, 'granted'] : [redeemed, 'redeemed']
  if (ceiling <= granted)
    throw new ApiError(
      'VOUCHER_SUPERSEDED',
      `${granted} wei of channel ${channelId} are already ${what}; this voucher grants ${ceiling}. Sign a greater ceiling: it is cumulative and includes all earlier calls.`,
    )
  await sql.query(
    `insert into signed_voucher (id, endpoint_id, consumer, ceiling, signature, used, signed_at)
     values ($1, $2, $3, $4, $5, $6, now())
     on conflict (id) do update set ceiling = excluded.ceiling, signature = excluded.signature, signed_at = excluded.signed_at`,
    [channelId, endpointId, consumer, ceiling, signature, redeemed],
  )
}
