import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import type { Rows, Values } from '../store/rows.ts'
import { type Handlers, height, integer } from './handler.ts'

const map = (rows: Rows, epoch: bigint): Readonly<Values<RewardMap>> =>
  rows.get(RewardMap, epoch.toString()) ?? {
    id: epoch.toString(),
    epoch: integer(epoch),
    funded: 0n,
    firstBlock: null,
    lastBlock: null,
    blockHash: null,
    root: null,
    total: 0n,
    uri: null,
    codeHash: null,
    status: 'Open',
    publishedAt: null,
  }

export const rewards: Handlers<'RewardDistributor'> = {
  EpochFunded(rows, { epoch, amount }) {
    const before = map(rows, epoch)
    rows.put(RewardMap, { ...before, funded: before.funded + amount })
  },
  RewardMapPublished(rows, { epoch, fromBlock, toBlock, blockHash, root, total, uri, codeHash }, at) {
    const blocks = { firstBlock: height(fromBlock), lastBlock: height(toBlock), blockHash }
    const published = { root, total, uri, codeHash, status: 'Published', publishedAt: at.timestamp } as const
    rows.put(RewardMap, { ...map(rows, epoch), ...blocks, ...published })
  },
  RewardMapCancelled(rows, { epoch }) {
    rows.change(RewardMap, epoch.toString(), { status: 'Cancelled' })
  },
  RewardClaimed(rows, { epoch, account, amount }, at) {
    rows.append(RewardClaim, {
      id: at.position,
      mapId: epoch.toString(),
      account,
      amount,
      claimedAt: at.timestamp,
    })
  },
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
