import type { PublicClient } from 'viem'
import type { Deployment } from '#contracts/deploy.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import type { Sql } from '#schema/database.ts'
import { IndexBehindError, PermanentError } from '#schema/errors.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { rowOf } from '#schema/rows.ts'

/** The epoch has no published map. */
export class UnpublishedEpochError extends PermanentError {
  override name = 'UnpublishedEpochError'
}

/** What the facts of an epoch are collected from. */
export interface FactSources {
  sql: Sql
  artifacts: Pick<ArtifactStore, 'get'>
  deployment: {
    chainId: number
    addresses: Pick<Deployment['addresses'], 'RewardDistributor' | 'Treasury'>
    /** The entries of a page of its maps: the law's, except where a test plays with smaller pages. */
    pageEntries?: number
  }
}

/** What an epoch's map is computed from. */
export interface EpochSources extends FactSources {
  /** The hash of a block of the chain. */
  blockHash(block: number): Promise<string>
}

/** The hashes of a node's blocks. */
export const blockHashes =
  (client: Pick<PublicClient, 'getBlock'>): EpochSources['blockHash'] =>
  async (block) =>
    (await client.getBlock({ blockNumber: BigInt(block) })).hash as string

type Index = Pick<FactSources, 'sql' | 'deployment'>

/** An epoch and its blocks, first and last included. */
export interface EpochBlocks {
  epoch: number
  fromBlock: number
  toBlock: number
}

/** The blocks of an epoch, as the fees that arrived in it have fixed them.
 *  @throws RangeError when none have arrived; IndexBehindError while its last block is not indexed. */
export async function epochBlocks(index: Index, epoch: number): Promise<EpochBlocks> {
  const toBlock = await lastBlockOf(index, epoch)
  const { rows } = await index.sql.query('select block from cursor where id = $1', [String(index.deployment.chainId)])
  if (!(rows[0]?.block >= toBlock))
    throw new IndexBehindError(`Epoch ${epoch} ends with block ${toBlock}, which is not indexed yet.`)
  const fromBlock = epoch === 1 ? await firstBlock(index) : (await lastBlockOf(index, epoch - 1)) + 1
  return { epoch, fromBlock, toBlock }
}

async function lastBlockOf({ sql }: Index, epoch: number): Promise<number> {
  const row = await rowOf(sql, RewardMap, String(epoch))
  if (row?.lastBlock == null) throw new RangeError(`No fees have arrived in epoch ${epoch}, so it has no map.`)
  return row.lastBlock
}

/** The block in which the distributor was created: its constructor grants roles. */
async function firstBlock({ sql, deployment }: Index): Promise<number> {
  const { rows } = await sql.query(
    `select min(from_block) as block from chain_event where contract = 'RewardDistributor' and address = $1 and to_block is null`,
    [deployment.addresses.RewardDistributor.toLowerCase()],
  )
  if (rows[0]?.block == null) throw new RangeError('The index has no event of the RewardDistributor.')
  return rows[0].block
}
