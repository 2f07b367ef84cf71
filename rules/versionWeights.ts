/** Rule 8, amendment 10a (reward split): which of the weights that a manifest states count. */

import type { Hex } from 'viem'
import { byId } from './order.ts'

/** The positive weights of contributions with a contributor, in the order of their ids. Of several weights of one contribution the first
 *  counts. */
export function countedWeights(
  weights: readonly { contributionId: string; weight: bigint }[],
  contributors: ReadonlyMap<string, Hex>,
): (readonly [string, bigint])[] {
  const counted = new Map<string, bigint>()
  for (const { contributionId, weight } of weights)
    if (weight > 0n && contributors.has(contributionId) && !counted.has(contributionId))
      counted.set(contributionId, weight)
  return [...counted].sort(([a], [b]) => byId(a, b))
}
