import { join } from 'node:path'
import type { Address } from 'viem'
import { fundEpoch, publicationOf, treeOf } from '#contracts/test/publication.ts'
import { hashOf, OPERATOR, SETTINGS } from '#contracts/test/world.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { putDocument } from '#schema/documents.ts'
import { rewardMapDocument } from '#schema/rewardMapDocument.ts'
import type { Client } from '../client.ts'
import { waitForBlock } from '../graphql/waitForBlock.ts'
import type { ClientSystem } from './clientSystem.ts'

/** Publishes the map of the next epoch, by which these accounts may claim so much in all, and waits until it is final. @returns the epoch */
export async function finalMap(
  { world, folder, as }: Pick<ClientSystem, 'world' | 'folder'> & { as(): Promise<Client> },
  grants: readonly (readonly [Address, bigint])[],
): Promise<bigint> {
  const total = grants.reduce((sum, [, amount]) => sum + amount, 0n)
  const epoch = await fundEpoch(world, total)
  const { root, leaves } = treeOf(world, epoch, grants)
  const uri = await putDocument(localStore(join(folder, 'artifacts')), rewardMapDocument, {
    ...{
      epoch: Number(epoch),
      chainId: world.deployment.chainId,
      distributor: world.at.RewardDistributor.toLowerCase(),
    },
    ...{
      fromBlock: 1,
      toBlock: 2,
      blockHash: hashOf('block'),
      codeHash: hashOf('code'),
      root,
      total: total.toString(),
    },
    leaves: leaves.map(({ account, cumulative }) => ({
      account: account.toLowerCase(),
      cumulative: cumulative.toString(),
    })),
    ...{ carried: [], debts: [], usage: [], absent: [], lines: [] },
  })
  await world.send(OPERATOR, 'RewardDistributor', 'publish', await publicationOf(world, epoch, root, total, { uri }))
  await world.warp(SETTINGS.challengeWindow + 1)
  await waitForBlock(await as(), await world.client.getBlockNumber({ cacheTime: 0 }))
  return epoch
}
