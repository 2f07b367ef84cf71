import { Arg, Ctx, ID, Int, Mutation, Resolver } from 'type-graphql'
import type { Hex } from 'viem'
import { hostsWithFees } from '#epochs/hostsWithFees.ts'
import { signerOfUsage } from '#epochs/signedUsage.ts'
import type { Sql } from '#schema/database.ts'
import { HostUsage } from '#schema/offchain/usage.ts'
import type { ApiContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { tableFor } from '../publicTables.ts'

@Resolver()
export class UsageCommand {
  @Mutation(() => HostUsage, {
    description:
      'Offers the usage document that a host signed for an epoch, for the map that is published from here. One for each host and epoch. It is read by its name when the epoch is settled, from the store here or one of its mirrors, and left out when it cannot be read then.',
  })
  async offerUsage(
    @Arg('epoch', () => Int, { description: 'In which epoch the fees were redeemed.' }) epoch: number,
    @Arg('document', () => ID, { description: 'The usage document: an artifact’s name.' }) document: string,
    @Arg('signature', () => String, {
      description:
        'The host’s EIP-712 signature of Usage(uint256 epoch, bytes32 document) for the reward distributor, 65 bytes as hex, with v 27 or 28 and a low s.',
    })
    signature: string,
    @Arg('idempotencyKey', () => String, {
      description: 'Identifies this request. Offering the same document twice has the same effect as once.',
    })
    _key: string,
    @Ctx() { db, deployment, reader }: ApiContext,
  ) {
    if (!/^0x[0-9a-f]{64}$/.test(document))
      throw new ApiError('BAD_INPUT', 'document must be the name of an artifact: 0x and 64 lower-case hex digits.')
    const signed = { document, signature: signature.toLowerCase() }
    const distributor = (deployment.addresses.RewardDistributor ?? '').toLowerCase() as Hex
    const host = await signerOfUsage(signed, { chainId: deployment.chainId, contract: distributor }, epoch)
    await requireOpen(db, epoch)
    if (host === undefined || !(await hostsWithFees(db, epoch)).includes(host))
      throw new ApiError(
        'NOT_A_HOST',
        `The signature is that of ${host ?? 'nobody'}, who hosts no endpoint with fees in epoch ${epoch}. Sign exactly {epoch: ${epoch}, document: ${document}} with the host’s key for chain ${deployment.chainId} and the contract RewardDistributor ${distributor}.`,
      )
    const id = `${epoch}-${host}`
    await store(db, { id, epoch, host, ...signed })
    const table = tableFor(HostUsage)
    return reader.one(`usage:${id}`, table, await reader.asOf(), table.columns, id)
  }
}

/** @throws ApiError unless the epoch has fees and no published map. */
async function requireOpen(sql: Sql, epoch: number): Promise<void> {
  const { rows } = await sql.query<{ status: string }>(
    'select status from reward_map where epoch = $1 and to_block is null',
    [epoch],
  )
  if (!rows[0]) throw new ApiError('UNKNOWN_EPOCH', `No fees have arrived in epoch ${epoch}. Query \`rewardMaps\`.`)
  if (rows[0].status === 'Published')
    throw new ApiError('ALREADY_SETTLED', `The map of epoch ${epoch} is published: what comes later has no effect.`)
}

/** Keeps the first: somebody else may send an older one again. @throws ApiError when the host has signed another */
async function store(sql: Sql, usage: Omit<HostUsage, 'offeredAt'>): Promise<void> {
  const { id, epoch, host, document, signature } = usage
  await sql.query(
    `insert into host_usage (id, epoch, host, document, signature, offered_at) values ($1, $2, $3, $4, $5, clock_timestamp())
     on conflict (id) do nothing`,
    [id, epoch, host, document, signature],
  )
  const { rows } = await sql.query<{ document: string }>('select document from host_usage where id = $1', [id])
  if (rows[0]?.document !== document)
    throw new ApiError(
      'ANOTHER_DOCUMENT',
      `${host} has offered ${rows[0]?.document} for epoch ${epoch}. A host signs one document for each epoch.`,
    )
}
