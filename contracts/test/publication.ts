import type { Address, Hex } from 'viem'
import { RewardTree } from '#rules/merkle.ts'
import { hashOf, STRANGER, type World } from './world.ts'

/** Mines blocks so that the next transaction is in that block. */
export async function mineUntil(world: World, block: bigint): Promise<void> {
  const missing = block - 1n - (await world.client.getBlockNumber())
  if (missing > 0n) await world.mine(Number(missing))
}

/** Funds an epoch and mines the rest of its period: its map may be published in the next block. @returns the epoch */
export async function fundEpoch(world: World, amount: bigint): Promise<bigint> {
  await world.send(STRANGER, 'RewardDistributor', 'fund', [amount])
  const epoch = await world.read('RewardDistributor', 'epochCount', [])
  await mineUntil(world, (await world.read('RewardDistributor', 'endOf', [epoch])) + 1n)
  return epoch
}

/** A map's tree. */
export const treeOf = (world: World, epoch: bigint, grants: readonly (readonly [Address, bigint])[]) =>
  new RewardTree(
    grants.map(([account, cumulative]) => ({
      chain: BigInt(world.deployment.chainId),
      distributor: world.at.RewardDistributor,
      epoch,
      account,
      cumulative,
    })),
  )

/** The arguments of `publish`, with the hash of the epoch's last block if it is mined. */
export async function publicationOf(
  world: World,
  epoch: bigint,
  root: Hex,
  total: bigint,
  over: { blockHash?: Hex; codeHash?: Hex; uri?: string } = {},
) {
  const toBlock = await world.read('RewardDistributor', 'endOf', [epoch])
  const head = await world.client.getBlockNumber()
  const { hash } = await world.client.getBlock({ blockNumber: toBlock < head ? toBlock : head })
  return [epoch, over.blockHash ?? hash, root, total, over.uri ?? 'uri', over.codeHash ?? hashOf('code')] as const
}
