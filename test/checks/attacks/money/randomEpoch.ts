import type { Hex } from 'viem'
import { BPS } from '#rules/bps.ts'
import type { EpochFacts } from '#rules/epochFacts.ts'
import { computeRewards } from '#rules/rewardMap.ts'
import type { SplitTerms } from '#rules/split.ts'
import { accountNumber, simpleEpoch } from '#rules/test/simpleEpoch.ts'
import type { SeededRandom } from '#test/simulator/random.ts'

/** An epoch of strangers with one model, into which attackers are put. */

export const STRANGER_CONSUMERS = [21, 22, 23].map(accountNumber)
export const ATTACKER = accountNumber(66)
const HOST = accountNumber(3)
const ALL = Number(BPS)

/** Random terms of a mandate that has a part for everybody. */
export function randomTerms(random: SeededRandom): SplitTerms {
  const weights = Array.from({ length: 5 }, () => 1 + random(20))
  const whole = weights.reduce((sum, weight) => sum + weight, 0)
  const [owner, stakers, data, validators] = weights.map((weight) => BigInt(Math.floor((weight * ALL) / whole))) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ]
  return {
    platform: BigInt(random(2_000)),
    owner,
    stakers,
    data,
    validators,
    host: BPS - owner - stakers - data - validators,
    ancestors: 0n,
    dataByWeight: BigInt(random(ALL + 1)),
    unattributedByWeight: random(2) === 0,
  }
}

/** `fees`: of each of three strangers, in wei; `contributors`: their accounts, each with one contribution of random weight. */
export function strangersEpoch(
  random: SeededRandom,
  fees: readonly bigint[],
  contributors: readonly Hex[],
  terms = randomTerms(random),
): EpochFacts {
  const [version] = simpleEpoch.versions
  const [model] = simpleEpoch.models
  if (!version || !model) throw new Error('The simple epoch has no version.')
  return {
    ...simpleEpoch,
    usage: fees.map((amount, nth) => ({
      endpointId: 'e1',
      versionId: 'v1',
      consumer: STRANGER_CONSUMERS[nth] as Hex,
      host: HOST,
      fees: amount,
    })),
    receipts: [],
    versions: [
      {
        ...version,
        weights: contributors.map((_, nth) => ({ contributionId: `${nth}`, weight: BigInt(1 + random(1_000)) })),
      },
    ],
    models: [{ ...model, terms }],
    contributions: contributors.map((contributor, nth) => ({ contributionId: `${nth}`, contributor })),
  }
}

/** What the accounts together earn in the epoch. */
export function earnedBy(facts: EpochFacts, accounts: readonly Hex[]): bigint {
  return computeRewards(facts)
    .accounts.filter(({ account }) => accounts.includes(account))
    .reduce((sum, { cumulative }) => sum + cumulative, 0n)
}
