/** Rule 8, amendment 8a (power is exposure): stakers share by stake × time over the epoch, so that a stake just before its end gains nothing. */

import type { Hex } from 'viem'
import { LargeMap } from './largeMap.ts'
import { ascending } from './order.ts'

/** A stake of an account in a model that did not change from `fromBlock` until `toBlock` (excluded; null: it still stands). */
interface HeldStake {
  account: Hex
  amount: bigint
  fromBlock: number
  toBlock: number | null
}

/** The stakes of an epoch in wei × blocks: each amount times the blocks of the epoch, first and last included, at whose end it was staked.
 *  One entry for each account with any, ordered by account.
 *  @example
 *  ```ts
 *  import assert from 'node:assert'
 *  import { stakeTimes } from '#rules/stakeTime.ts'
 *
 *  const loyal = { account: '0x0a', amount: 1n, fromBlock: 50, toBlock: null } as const
 *  const late = { account: '0x0b', amount: 94n, fromBlock: 198, toBlock: 200 } as const
 *  const epoch = { fromBlock: 101, toBlock: 200 }
 *  assert.deepEqual(stakeTimes([late, loyal], epoch), [{ account: '0x0a', amount: 100n }, { account: '0x0b', amount: 188n }])
 *  ```
 */
export function stakeTimes(
  stakes: readonly HeldStake[],
  epoch: { fromBlock: number; toBlock: number },
): { account: Hex; amount: bigint }[] {
  const times = new LargeMap<Hex, bigint>()
  for (const { account, amount, fromBlock, toBlock } of stakes) {
    const first = Math.max(fromBlock, epoch.fromBlock)
    const end = Math.min(toBlock ?? Number.POSITIVE_INFINITY, epoch.toBlock + 1)
    if (end > first && amount > 0n) times.set(account, (times.get(account) ?? 0n) + amount * BigInt(end - first))
  }
  return [...times].map(([account, amount]) => ({ account, amount })).sort((a, b) => ascending(a.account, b.account))
}
