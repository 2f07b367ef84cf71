/** Rule 8, amendment 8a (reward split): a mandate's terms, and the division of a version's revenue. */

import { BPS, mulDiv } from './bps.ts'

/** The largest share that a mandate may pass on to ancestors: 30 % of what is left after the platform's share.
 *  @oracle ModelRegistry.MAX_ANCESTORS_BPS */
export const MAX_ANCESTORS_BPS = 3_000n

/** A mandate's revenue split in basis points. `platform` is of all; `ancestors` of the rest, taken first where the version
 *  has a parent; `owner` to `host` of what then remains, summing to 10,000; `dataByWeight` of data's part. */
export type SplitTerms = {
  platform: bigint
  owner: bigint
  stakers: bigint
  data: bigint
  validators: bigint
  host: bigint
  ancestors: bigint
  dataByWeight: bigint
  /** Whether what opened answers leave unattributed is shared by version weight; otherwise the treasury gets it. */
  unattributedByWeight: boolean
}

/** The pots that a version's revenue is divided into, in the order in which they are paid: `answers` is shared by the attribution of opened
 *  answers, `data` by version weight. */
export const POTS = ['owner', 'stakers', 'answers', 'data', 'validators', 'host'] as const
export type Pot = (typeof POTS)[number]

/** Checks a mandate's terms as the contract does.
 *  @oracle ModelRegistry.propose
 *  @throws RangeError naming the term that is not allowed. */
export function checkTerms(terms: SplitTerms): void {
  for (const name of [
    'platform',
    'owner',
    'stakers',
    'data',
    'validators',
    'host',
    'ancestors',
    'dataByWeight',
  ] as const)
    if (terms[name] < 0n || terms[name] > BPS)
      throw new RangeError(`Split: ${name} is ${terms[name]} basis points; it must be 0 to ${BPS}.`)
  const sum = terms.owner + terms.stakers + terms.data + terms.validators + terms.host
  if (sum !== BPS)
    throw new RangeError(`Split: owner, stakers, data, validators and host sum to ${sum} basis points, not ${BPS}.`)
  if (terms.ancestors > MAX_ANCESTORS_BPS)
    throw new RangeError(
      `Split: ancestors is ${terms.ancestors} basis points; at most ${MAX_ANCESTORS_BPS} are allowed.`,
    )
}

/**
 * Divides `pot` by weight, flooring each share; `left` is what remains. `whole` (default: the sum of the weights) may exceed that sum.
 * Invariants: the shares and `left` sum to `pot`; splitting one weight into two never raises the sum of their shares.
 * @throws RangeError when the weights exceed `whole`.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { splitPot } from '#rules/split.ts'
 *
 * assert.deepEqual(splitPot(100n, [1n, 1n, 1n]), { shares: [33n, 33n, 33n], left: 1n })
 * ```
 */
export function splitPot(pot: bigint, weights: readonly bigint[], whole?: bigint): { shares: bigint[]; left: bigint } {
  const total = whole ?? weights.reduce((sum, weight) => sum + weight, 0n)
  if (total === 0n) return { shares: weights.map(() => 0n), left: pot }
  let left = pot
  const shares = weights.map((weight) => {
    const share = mulDiv(pot, weight, total)
    left -= share
    return share
  })
  if (left < 0n) throw new RangeError(`The weights exceed their whole ${total}. Give a whole of at least their sum.`)
  return { shares, left }
}

/** The platform's share of a version's fees, and the rest. */
export function takePlatform(fees: bigint, terms: SplitTerms): { platform: bigint; rest: bigint } {
  const platform = mulDiv(fees, terms.platform, BPS)
  return { platform, rest: fees - platform }
}

/** Divides what a version keeps into its pots; `left` is what flooring leaves over. */
export function splitServed(kept: bigint, terms: SplitTerms): { pots: Record<Pot, bigint>; left: bigint } {
  const { shares, left } = splitPot(kept, [terms.owner, terms.stakers, terms.data, terms.validators, terms.host], BPS)
  const [owner, stakers, allData, validators, host] = shares as [bigint, bigint, bigint, bigint, bigint]
  const data = mulDiv(allData, terms.dataByWeight, BPS)
  return { pots: { owner, stakers, data, answers: allData - data, validators, host }, left }
}

/** Divides what a version inherits from a descendant's revenue. The version was not hosted for these calls, so the host's part goes to the
 *  others in proportion. The answers were the descendant's, so data is paid by version weight only. */
export function splitInherited(kept: bigint, terms: SplitTerms): { pots: Record<Pot, bigint>; left: bigint } {
  const { shares, left } = splitPot(kept, [terms.owner, terms.stakers, terms.data, terms.validators])
  const [owner, stakers, data, validators] = shares as [bigint, bigint, bigint, bigint]
  return { pots: { owner, stakers, data, answers: 0n, validators, host: 0n }, left }
}
