import type { Hex } from 'viem'
import { type EpochFacts, lower } from './epochFacts.ts'
import { ascending } from './order.ts'
import { computeRewards } from './rewardMap.ts'

/** The fact that is thought away. A `duplicate` is a contribution that is worth nothing because it repeats `original`: thinking the
 *  *original* away gives the duplicate its place, since it would then have been the first. */
export type Removal =
  | { kind: 'contribution'; contributionId: string }
  | { kind: 'judgement'; taskId: string; validator: Hex }
  | { kind: 'duplicate'; original: string; duplicate: string }

/** The facts as they would stand without the removed one (rule 13).
 *  @throws RangeError when the fact is not among them: the answer would silently be "no difference". */
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

/** What an account gets by the facts as they are, what it would get without the removed one, and the difference. */
export type Marginal = { account: Hex; actual: bigint; without: bigint; difference: bigint }

/** Compares an epoch with itself without one fact, account by account; only accounts that differ, the largest loss or gain
 *  first. Amounts are newly payable wei of this epoch. */
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
