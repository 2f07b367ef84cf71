/** Rule 4, amendment 4b (copies): what a sample adds to the influence of the earlier ones that it holds. */

import { influenceInUnits, type RecordedInfluence, recordInfluence } from './attribution.ts'
import { bigintMax, bigintMin, mulDiv, PPM } from './bps.ts'
import { COPIED, type Similar } from './quality.ts'

/** A sample that holds this share of an earlier one (ppm) can repeat all of its influence. */
const HELD_WHOLE = 700_000n

/** The part of an earlier one's influence that a sample repeats when it holds `held` of it (both ppm): none up to `COPIED`, then in proportion. */
const repeatedPart = (held: bigint) => bigintMin(PPM, bigintMax(0n, ((held - COPIED) * PPM) / (HELD_WHOLE - COPIED)))

/**
 * The influences of a version's samples, less the most that one earlier sample has of it already: a copy that is padded with noise adds nothing,
 * and a sample that begins with somebody's boilerplate keeps what it teaches beyond that. The result must be significant by itself.
 * @param validationItems over which the influences were measured
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { addedInfluences } from '#rules/addedInfluence.ts'
 * import { recordInfluence } from '#rules/attribution.ts'
 *
 * const measured = (contributionId: string, influence: number) =>
 *   recordInfluence({ contributionId, influence, standardError: 0.01 }, 100)
 * const [original, padded] = addedInfluences(
 *   [
 *     { ...measured('1', 0.3), similar: [] },
 *     { ...measured('2', 0.31), similar: [{ id: '1', held: 1_000_000n }] },
 *   ],
 *   100,
 * )
 * assert.equal(original?.influence, 300_000_000n)
 * assert.equal(padded?.influence, 10_000_000n)
 * ```
 */
export function addedInfluences(
  samples: readonly (RecordedInfluence & { similar: readonly Pick<Similar, 'id' | 'held'>[] })[],
  validationItems: number,
): RecordedInfluence[] {
  const measured = new Map(samples.map(({ contributionId, influence }) => [contributionId, influence]))
  return samples.map(({ similar, ...own }) => {
    const repeated = similar.map(({ id, held }) =>
      mulDiv(bigintMax(0n, measured.get(id) ?? 0n), repeatedPart(held), PPM),
    )
    const most = repeated.reduce(bigintMax, 0n)
    if (most === 0n) return own
    return recordInfluence(
      {
        contributionId: own.contributionId,
        influence: influenceInUnits(own.influence - most),
        standardError: influenceInUnits(own.standardError),
      },
      validationItems,
    )
  })
}
