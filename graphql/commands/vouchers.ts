import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql'
import { type Hex, recoverTypedDataAddress } from 'viem'
import { type VoucherMessage, voucherData } from '#rules/signing.ts'
import { lockCredit } from '#schema/advisoryLocks.ts'
import type { Sql } from '#schema/database.ts'
import { SignedVoucher } from '#schema/offchain/access.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { BigIntScalar } from '#schema/scalars.ts'
import type { ApiContext, ApiDeployment } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'
import { requireAddress } from '../requireAddress.ts'

@Resolver()
export class VoucherCommand {
  @Mutation(() => SignedVoucher, {
    description:
      'Submits a voucher: an EIP-712 signature with which a consumer grants an endpoint fees up to a cumulative sum. Submitting the newest one again changes nothing.',
  })
  async submitVoucher(
    @Arg('endpointId', () => ID, { description: 'The endpoint.' }) endpointId: string,
    @Arg('consumer', () => String, { description: 'The account that pays and signed.' }) consumer: string,
    @Arg('cumulative', () => BigIntScalar, { description: 'All fees granted to this endpoint so far, in wei.' })
    cumulative: bigint,
    @Arg('deadline', () => BigIntScalar, {
      description: 'The time until which it may be redeemed, in seconds since 1970.',
    })
    deadline: bigint,
    @Arg('signature', () => String, { description: 'The signature, 65 bytes as hex.' }) signature: string,
    @Arg('idempotencyKey', () => String, {
      description: 'Identifies this request. Submitting the same voucher twice has the same effect as once.',
    })
    _key: string,
    @Ctx() { db, deployment, reader }: ApiContext,
  ) {
    const voucher = await readVoucher(db, { endpointId, consumer, cumulative, deadline })
    await requireSigner(deployment, voucher, signature)
    const id = await db.transaction((sql) => store(sql, voucher, signature))
    const table = tableFor(SignedVoucher)
    return reader.one(`voucher:${id}`, table, await reader.asOf(), table.columns, id)
  }
}

const UINT64 = 2n ** 64n
const UINT256 = 2n ** 256n

async function readVoucher(
  sql: Sql,
  given: { endpointId: string; consumer: string; cumulative: bigint; deadline: bigint },
): Promise<VoucherMessage> {
  const { endpointId, consumer, cumulative, deadline } = given
  const account = requireAddress('consumer', consumer) as Hex
  if (cumulative <= 0n || cumulative >= UINT256)
    throw new ApiError('BAD_INPUT', 'cumulative must be a positive uint256.')
  if (deadline < 0n || deadline >= UINT64)
    throw new ApiError('BAD_INPUT', 'deadline must be a uint64: seconds since 1970.')
  const endpoint = /^\d{1,78}$/.test(endpointId)
    ? await sql.query('select 1 from endpoint where id = $1 and to_block is null', [endpointId])
    : undefined
  if (!endpoint?.rowCount)
    throw new ApiError(
      'UNKNOWN_ENDPOINT',
      `There is no ${Endpoint.name} ${endpointId.slice(0, 80)}. Query \`endpoints\` for the registered ones.`,
    )
  const { rows } = await sql.query(
    'select extract(epoch from timestamp)::bigint as now from block order by number desc limit 1',
  )
  if (rows[0] && deadline < BigInt(rows[0].now))
    throw new ApiError(
      'VOUCHER_EXPIRED',
      `The voucher’s deadline ${deadline} has passed: the chain’s time is ${rows[0].now}. Sign one with a later deadline.`,
    )
  return { consumer: account, endpointId: BigInt(endpointId), cumulative, deadline }
}

/** Chains that a wallet may be connected to by mistake. The error names the chain, so that the signer sees the cause. */
const COMMON_CHAINS = [1, 10, 56, 137, 8453, 31337, 42161, 11155111]

/** @throws ApiError unless `signature` is the consumer's for this voucher, this chain and this market. */
async function requireSigner(
  { chainId, addresses }: ApiDeployment,
  voucher: VoucherMessage,
  signature: string,
): Promise<void> {
  const market = addresses.InferenceMarket
  if (!market) throw new Error('The deployment has no InferenceMarket.')
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature))
    throw new ApiError('BAD_SIGNATURE', 'The signature must be 65 bytes as hex: 0x and 130 digits.')
  const signerOn = async (chain: number) => {
    const recovered = await recoverTypedDataAddress({
      ...voucherData({ chainId: chain, contract: market as Hex }, voucher),
      signature: signature as Hex,
    }).catch(() => undefined)
    return recovered?.toLowerCase()
  }
  const signer = await signerOn(chainId)
  if (signer === voucher.consumer) return
  for (const other of COMMON_CHAINS)
    if (other !== chainId && (await signerOn(other)) === voucher.consumer)
      throw new ApiError(
        'WRONG_CHAIN',
        `The voucher was signed for chain ${other}; this is chain ${chainId}. Sign it for chain ${chainId}.`,
      )
  throw new ApiError(
    'WRONG_SIGNER',
    `The signature is not ${voucher.consumer}’s for this voucher. Sign exactly {consumer, endpointId, cumulative, deadline} with the domain InferenceMarket, version 1, chain ${chainId}, contract ${market}.`,
  )
}

/** Stores the newest voucher of a consumer for an endpoint. Its cumulative sum must grow. */
async function store(sql: Sql, voucher: VoucherMessage, signature: string): Promise<string> {
  const { consumer, endpointId, cumulative, deadline } = voucher
  const id = `${endpointId}-${consumer}`
  await lockCredit(sql, consumer)
  const { rows } = await sql.query('select cumulative, deadline from signed_voucher where id = $1', [id])
  const newest = rows[0]
  if (newest?.cumulative === cumulative && newest.deadline === deadline) return id
  if (newest && cumulative <= newest.cumulative)
    throw new ApiError(
      'VOUCHER_SUPERSEDED',
      `There is already a voucher that grants ${newest.cumulative} wei; this one grants ${cumulative}. Sign a greater sum: it is cumulative and includes all earlier calls.`,
    )
  const redeemed = await sql.query('select cumulative from voucher where id = $1 and to_block is null', [id])
  const spent: bigint = redeemed.rows[0]?.cumulative ?? 0n
  if (cumulative <= spent)
    throw new ApiError(
      'VOUCHER_SUPERSEDED',
      `${spent} wei have already been redeemed for this endpoint; this voucher grants ${cumulative}. Sign a greater sum: it is cumulative and includes all earlier calls.`,
    )
  await sql.query(
    `insert into signed_voucher (id, endpoint_id, consumer, cumulative, deadline, signature, used, signed_at)
     values ($1, $2, $3, $4, $5, $6, $7, now())
     on conflict (id) do update set cumulative = excluded.cumulative, deadline = excluded.deadline, signature = excluded.signature,
       signed_at = excluded.signed_at`,
    [id, endpointId.toString(), consumer, cumulative, deadline, signature, spent],
  )
  return id
}
