import { RewardClaim, RewardMap } from '#schema/onchain/rewards.ts'
import type { Rows } from '../store/rows.ts'
import { type EventHandlers, int32, safeInteger } from './eventContext.ts'

/** The first block of an epoch, where fees have given it its first row. No event tells it of epoch 1 before its map does. */
function firstBlock(rows: Rows, epoch: bigint): number | null {
  const last = epoch > 1n ? rows.must(RewardMap, (epoch - 1n).toString()).lastBlock : null
  return last === null ? null : last + 1
}

export const rewards: EventHandlers<'RewardDistributor'> = {
  EpochFunded(rows, { epoch, amount, toBlock }) {
    const id = epoch.toString()
    const before = rows.get(RewardMap, id) ?? {
      id,
      epoch: int32(epoch),
      funded: 0n,
      firstBlock: firstBlock(rows, epoch),
      lastBlock: safeInteger(toBlock),
      blockHash: null,
      root: null,
      total: 0n,
      uri: null,
      codeHash: null,
      status: 'Open',
      publishedAt: null,
      publisher: null,
      bond: 0n,
      bondReleasedTo: null,
    }
    rows.put(RewardMap, { ...before, funded: before.funded + amount })
  },
  RewardMapPublished(rows, { epoch, fromBlock, toBlock, blockHash, root, total, uri, codeHash }, event) {
    rows.change(RewardMap, epoch.toString(), {
      firstBlock: safeInteger(fromBlock),
      lastBlock: safeInteger(toBlock),
      blockHash,
      root,
      total,
      uri,
      codeHash,
      status: 'Published',
      publishedAt: event.timestamp,
      publisher: null,
      bondReleasedTo: null,
    })
  },
  RewardMapCancelled(rows, { epoch }) {
    rows.change(RewardMap, epoch.toString(), { status: 'Cancelled' })
  },
  BondHeld(rows, { epoch, publisher, amount }) {
    rows.change(RewardMap, epoch.toString(), { publisher, bond: amount })
  },
  BondReleased(rows, { epoch, to }) {
    rows.change(RewardMap, epoch.toString(), { bond: 0n, bondReleasedTo: to })
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
