/** Rule 13 (counterfactual): what each account would have earned without one contribution, judgement or duplicate. */

import type { Hex } from 'viem'
import type { EpochFacts } from './epochFacts.ts'
import { lower } from './lower.ts'
import { ascending } from './order.ts'
import { computeRewards } from './rewardMap.ts'

/** The fact to leave out. `duplicate` is a contribution that earns nothing because it repeats `original`: without the *original*, the
 *  duplicate takes its place, because it would have been the first. */
export type Removal =
  | { kind: 'contribution'; contributionId: string }
  | { kind: 'judgement'; taskId: string; validator: Hex }
  | { kind: 'duplicate'; original: string; duplicate: string }

/** The epoch's facts without the removed one.
 *  @throws RangeError when the fact is not among them: otherwise the answer would be "no difference", without a warning. */
export function without(facts: EpochFacts, removal: Removal): EpochFacts {
  if (removal.kind === 'judgement') {
    const judge = lower(removal.validator)
    const is = (taskId: string, validator: Hex) => taskId === removal.taskId && lower(validator) === judge
    if (!facts.versions.some((version) => version.judgements.some((j) => is(j.taskId, j.validator))))
      refuseAbsent(`judgement of ${removal.validator} in task ${removal.taskId}`)
    const versions = facts.versions.map((version) => ({
      ...version,
      judgements: version.judgements.filter((j) => !is(j.taskId, j.validator)),
    }))
    return { ...facts, versions }
  }
  const gone = removal.kind === 'contribution' ? removal.contributionId : removal.original
  const heir = removal.kind === 'contribution' ? null : removal.duplicate
  for (const id of [gone, heir])
    if (id !== null && !facts.contributions.some((c) => c.contributionId === id)) refuseAbsent(`contribution ${id}`)
  /** Drops `gone`, or hands its place to `heir`, whose own worthless entry is dropped. */
  const replace = <T extends { contributionId: string }>(items: readonly T[]): T[] =>
    items.flatMap((item) => {
      if (item.contributionId === heir) return []
      if (item.contributionId !== gone) return [item]
      return heir === null ? [] : [{ ...item, contributionId: heir }]
    })
  return {
    ...facts,
    versions: facts.versions.map((version) => ({ ...version, weights: replace(version.weights) })),
    receipts: facts.receipts.map((receipt) => ({ ...receipt, parts: replace(receipt.parts) })),
    excluded: facts.excluded.filter((item) => item.contributionId !== heir),
  }
}

/** What an account earns, what it would earn without the removed fact, and the difference. Wei that become payable in this epoch. */
export type Marginal = { account: Hex; actual: bigint; without: bigint; difference: bigint }

/**
 * Compares the rewards of an epoch with those of the same epoch without one fact. Lists the accounts that differ, the largest gain or loss
 * first.
 * @throws RangeError when the fact is not among the epoch's facts.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { counterfactual } from '#rules/counterfactual.ts'
 * import type { EpochFacts } from '#rules/epochFacts.ts'
 *
 * const account = (n: number) => `0x${String(n).padStart(40, '0')}` as const
 * const terms = {
 *   platform: 0n,
 *   owner: 0n,
 *   stakers: 0n,
 *   data: 10_000n,
 *   validators: 0n,
 *   host: 0n,
 *   ancestors: 0n,
 *   dataByWeight: 10_000n,
 *   unattributedByWeight: false,
 * }
 * const facts: EpochFacts = {
 *   chain: 1n,
 *   distributor: account(9),
 *   epoch: 1n,
 *   treasury: account(8),
 *   usage: [{ endpointId: '1', versionId: '1', consumer: account(5), host: account(7), fees: 100n }],
 *   receipts: [],
 *   versions: [
 *     {
 *       versionId: '1',
 *       modelId: '1',
 *       parentVersionId: null,
 *       weights: [
 *         { contributionId: '1', weight: 3n },
 *         { contributionId: '2', weight: 1n },
 *       ],
 *       judgements: [],
 *     },
 *   ],
 *   models: [{ modelId: '1', owner: account(6), terms, stakes: [] }],
 *   contributions: [
 *     { contributionId: '1', contributor: account(1) },
 *     { contributionId: '2', contributor: account(2) },
 *   ],
 *   excluded: [],
 *   corrections: [],
 *   before: { accounts: [], carried: [], debts: [] },
 * }
 * const [author, other] = counterfactual(facts, { kind: 'contribution', contributionId: '1' })
 * assert.deepEqual(author, { account: account(1), actual: 75n, without: 0n, difference: 75n })
 * assert.deepEqual(other, { account: account(2), actual: 25n, without: 100n, difference: -75n })
 * ```
 */
export function counterfactual(facts: EpochFacts, removal: Removal): Marginal[] {
  const [actual, other] = [earned(facts), earned(without(facts, removal))]
  return [...new Set([...actual.keys(), ...other.keys()])]
    .map((account) => {
      const [now, then] = [actual.get(account) ?? 0n, other.get(account) ?? 0n]
      return { account, actual: now, without: then, difference: now - then }
    })
    .filter((marginal) => marginal.difference !== 0n)
    .sort((a, b) => ascending(b.difference ** 2n, a.difference ** 2n) || ascending(a.account, b.account))
}

function earned(facts: EpochFacts): Map<Hex, bigint> {
  const sums = new Map<Hex, bigint>()
  for (const { account, amount } of computeRewards(facts).lines) sums.set(account, (sums.get(account) ?? 0n) + amount)
  return sums
}

function refuseAbsent(what: string): never {
  throw new RangeError(`There is no ${what} in this epoch's facts. Ask about one that took part in it.`)
}
