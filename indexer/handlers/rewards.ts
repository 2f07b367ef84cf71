import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import type { Rows, Values } from '../store/rows.ts'
import { type EventHandlers, int32, safeInteger } from './eventContext.ts'

const map = (rows: Rows, epoch: bigint): Readonly<Values<RewardMap>> =>
  rows.get(RewardMap, epoch.toString()) ?? {
    id: epoch.toString(),
    epoch: int32(epoch),
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

export const rewards: EventHandlers<'RewardDistributor'> = {
  EpochFunded(rows, { epoch, amount, toBlock }) {
    const before = map(rows, epoch)
    rows.put(RewardMap, { ...before, funded: before.funded + amount, lastBlock: safeInteger(toBlock) })
  },
  RewardMapPublished(rows, { epoch, fromBlock, toBlock, blockHash, root, total, uri, codeHash }, event) {
    const blocks = { firstBlock: safeInteger(fromBlock), lastBlock: safeInteger(toBlock), blockHash }
    const published = { root, total, uri, codeHash, status: 'Published', publishedAt: event.timestamp } as const
    rows.put(RewardMap, { ...map(rows, epoch), ...blocks, ...published })
  },
  RewardMapCancelled(rows, { epoch }) {
    rows.change(RewardMap, epoch.toString(), { status: 'Cancelled' })
  },
  RewardClaimed(rows, { epoch, account, amount }, event) {
    rows.append(RewardClaim, {
      id: event.id,
      mapId: epoch.toString(),
      account,
      amount,
      claimedAt: event.timestamp,
    })
  },
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
