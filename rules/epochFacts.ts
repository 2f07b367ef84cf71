/** Rules 8 and 10 (reward split, reward map): the facts that an epoch's rewards are computed from, and their check. */

import type { Hex } from 'viem'
import { PPM } from './bps.ts'
import { ascending } from './order.ts'
import { checkTerms, type Pot, type SplitTerms } from './split.ts'

/** What one endpoint earned in the epoch, from `UsageSettled`; `fees` in wei. An endpoint that changed its version within the epoch has
 *  one entry for each version. */
export type EndpointUsage = { endpointId: string; versionId: string; host: Hex; fees: bigint }

/** One answer's fee (wei) and the contributions behind it: masses in ppm of the answer; the rest is unattributed. */
export type AttributedReceipt = {
  receiptId: string
  endpointId: string
  versionId: string
  fee: bigint
  parts: readonly { contributionId: string; mass: bigint }[]
}

export type EpochVersion = {
  versionId: string
  modelId: string
  parentVersionId: string | null
  /** Attribution weights of the contributions it was trained on, in any common unit. */
  weights: readonly { contributionId: string; weight: bigint }[]
  /** Scores of the judgements that it was aligned with. */
  judgements: readonly { taskId: string; validator: Hex; score: bigint }[]
}

/** `stakes`: wei × blocks of the epoch (`stakeTimes`), one entry for each account. */
export type EpochModel = {
  modelId: string
  owner: Hex
  terms: SplitTerms
  stakes: readonly { account: Hex; amount: bigint }[]
}

/** Money that an account received by mistake. It is withheld from what the account can still claim and from what it earns. What is
 *  recovered goes to `to` (`null`: the treasury). */
export type Debt = { account: Hex; amount: bigint; to: Hex | null; reason: string }

/** Wei that flooring left in a pot, added when the pot is filled again. `rest` is what is left over before the pots. */
export type CarriedPot = { versionId: string; pot: Pot | 'rest'; amount: bigint }

/** All that an epoch's rewards depend on: finalised facts only. Amounts in wei. Only the order of debts matters: oldest first. */
export type EpochFacts = {
  chain: bigint
  distributor: Hex
  epoch: bigint
  treasury: Hex
  usage: readonly EndpointUsage[]
  receipts: readonly AttributedReceipt[]
  versions: readonly EpochVersion[]
  models: readonly EpochModel[]
  contributions: readonly { contributionId: string; contributor: Hex }[]
  /** Duplicates and contributions that a dispute removed: they earn nothing from `fromEpoch` on. */
  excluded: readonly { contributionId: string; fromEpoch: bigint; reason: string }[]
  /** New debts from corrections of earlier epochs and from lost disputes. */
  corrections: readonly Debt[]
  /** The previous map. `claimed` is the amount below which a leaf must not fall: what the account has claimed or, while it can still claim
   *  by the previous root, that root's cumulative amount. */
  before: {
    accounts: readonly { account: Hex; cumulative: bigint; claimed: bigint }[]
    carried: readonly CarriedPot[]
    debts: readonly Debt[]
  }
}

/** The same facts by id, with addresses in lower case. */
export type EpochIndex = {
  versions: ReadonlyMap<string, EpochVersion>
  models: ReadonlyMap<string, EpochModel>
  contributors: ReadonlyMap<string, Hex>
  excluded: ReadonlySet<string>
  /** Fees by version, in ascending order of version ids. */
  fees: ReadonlyMap<string, bigint>
}

/** Checks that the facts are consistent and indexes them.
 *  @throws RangeError naming the first fact that contradicts another. */
export function indexFacts(facts: EpochFacts): EpochIndex {
  const versions = uniqueMap('Version', facts.versions, (version) => version.versionId)
  const models = uniqueMap('Model', facts.models, (model) => model.modelId)
  const contributors = new Map<string, Hex>()
  unique('Contribution', facts.contributions, (c) => c.contributionId)
  for (const { contributionId, contributor } of facts.contributions)
    contributors.set(contributionId, lower(contributor))
  for (const model of facts.models) {
    checkTerms(model.terms)
    unique(`Stake in model ${model.modelId} of`, model.stakes, (stake) => lower(stake.account))
    for (const { account, amount } of model.stakes)
      notNegative(`The stake of ${account} in model ${model.modelId}`, amount)
  }
  for (const version of facts.versions) {
    if (!models.has(version.modelId)) refuseMissing('Model', version.modelId, `version ${version.versionId}`)
    if (version.parentVersionId !== null && !versions.has(version.parentVersionId))
      refuseMissing('Version', version.parentVersionId, `version ${version.versionId}`)
    unique(`Weight in version ${version.versionId} of`, version.weights, (weight) => weight.contributionId)
    for (const { contributionId } of version.weights)
      if (!contributors.has(contributionId))
        refuseMissing('Contribution', contributionId, `version ${version.versionId}`)
  }
  return {
    versions,
    models,
    contributors,
    excluded: new Set(facts.excluded.filter((e) => e.fromEpoch <= facts.epoch).map((e) => e.contributionId)),
    fees: checkUsage(facts, versions, contributors),
  }
}

function checkUsage(
  facts: EpochFacts,
  versions: EpochIndex['versions'],
  contributors: EpochIndex['contributors'],
): Map<string, bigint> {
  const usage = uniqueMap('Usage of', facts.usage, (use) => `${use.endpointId} by version ${use.versionId}`)
  const unexplained = new Map([...usage].map(([key, use]) => [key, use.fees]))
  unique('Receipt', facts.receipts, (receipt) => receipt.receiptId)
  for (const { receiptId, endpointId, versionId, fee, parts } of facts.receipts) {
    const key = `${endpointId} by version ${versionId}`
    const left = unexplained.get(key)
    if (left === undefined || fee < 0n || fee > left)
      throw new RangeError(`The receipts of endpoint ${key} exceed the fees settled for it, at receipt ${receiptId}.`)
    unexplained.set(key, left - fee)
    let mass = 0n
    for (const part of parts) {
      if (part.mass < 0n)
        throw new RangeError(`Receipt ${receiptId} gives contribution ${part.contributionId} a negative mass.`)
      if (!contributors.has(part.contributionId))
        refuseMissing('Contribution', part.contributionId, `receipt ${receiptId}`)
      mass += part.mass
    }
    if (mass > PPM) throw new RangeError(`Receipt ${receiptId} attributes ${mass} ppm; an answer has only ${PPM}.`)
  }
  const fees = new Map<string, bigint>()
  for (const { versionId, endpointId, fees: amount } of facts.usage) {
    if (!versions.has(versionId)) refuseMissing('Version', versionId, `endpoint ${endpointId}`)
    notNegative(`The fee total of endpoint ${endpointId}`, amount)
    fees.set(versionId, (fees.get(versionId) ?? 0n) + amount)
  }
  return new Map([...fees].sort(([a], [b]) => ascending(a, b)))
}

function unique<T>(what: string, items: readonly T[], key: (item: T) => string): void {
  const seen = new Set<string>()
  for (const item of items) {
    const size = seen.size
    if (seen.add(key(item)).size === size) throw new RangeError(`${what} ${key(item)} is given twice.`)
  }
}

function uniqueMap<T>(what: string, items: readonly T[], key: (item: T) => string): Map<string, T> {
  unique(what, items, key)
  return new Map(items.map((item) => [key(item), item]))
}

function notNegative(what: string, amount: bigint): void {
  if (amount < 0n) throw new RangeError(`${what} is negative: ${amount}.`)
}

/** Addresses are compared and stored in lower case. */
export const lower = (address: Hex) => address.toLowerCase() as Hex

function refuseMissing(what: string, id: string, by: string): never {
  throw new RangeError(`${what} ${id}, named by ${by}, is not among the facts. Collect it before settling.`)
}
