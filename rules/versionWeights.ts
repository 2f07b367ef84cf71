/** Rule 8, amendment 10a (reward split): which of the weights that a manifest states count. */

import type { Hex } from 'viem'
import { byId } from './order.ts'

/** One weight that a manifest states. */
type VersionWeight = { contributionId: string; weight: bigint }

/** The positive weights of contributions with a contributor, in the order of their ids. Of several weights of one contribution the first
 *  counts. */
export function countedWeights(
  weights: readonly VersionWeight[],
  contributors: ReadonlyMap<string, Hex>,
): readonly VersionWeight[] {
  return weights
    .filter(({ contributionId, weight }) => weight > 0n && contributors.has(contributionId))
    .sort((a, b) => byId(a.contributionId, b.contributionId)) // stable: the first of one contribution stays first
    .filter(({ contributionId }, i, sorted) => contributionId !== sorted[i - 1]?.contributionId)
}
