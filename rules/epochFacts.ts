/** Rules 8 and 10, amendments 4a and 10a (reward split, reward map): the facts that an epoch's rewards are computed from, and their check. */

import type { Hex } from 'viem'
import { type AttributedReceipt, type CountedAnswers, countedAnswers } from './countedAnswers.ts'
import { LargeMap } from './largeMap.ts'
import { lower } from './lower.ts'
import { byId } from './order.ts'
import { checkTerms, type Pot, type SplitTerms } from './split.ts'

/** What a consumer paid at an endpoint for one version in the epoch, from the chain's redemptions; `fees` in wei. */
export type EndpointUsage = { endpointId: string; versionId: string; consumer: Hex; host: Hex; fees: bigint }

export type EpochVersion = {
  versionId: string
  modelId: string
  parentVersionId: string | null
  /** Attribution weights of the contributions it was trained on, in any common unit, as its manifest states them. */
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

/** All that an epoch's rewards depend on: finalised facts only. Amounts in wei. Only the order of debts matters: oldest first; and where a
 *  manifest weighs a contribution twice, the first weight counts. */
export type EpochFacts = {
  chain: bigint
  distributor: Hex
  epoch: bigint
  treasury: Hex
  usage: readonly EndpointUsage[]
  /** As the usage documents state them, true or not. */
  receipts: readonly AttributedReceipt[]
  versions: readonly EpochVersion[]
  models: readonly EpochModel[]
  /** The accepted ones. */
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

/** The same facts by id, without what has no effect, in the order in which rewards are computed. Addresses are in lower case. */
export type EpochIndex = {
  versions: ReadonlyMap<string, EpochVersion>
  models: ReadonlyMap<string, EpochModel>
  /** The contributors of the contributions that can earn in this epoch. */
  contributors: ReadonlyMap<string, Hex>
  /** Fees by version. */
  fees: ReadonlyMap<string, bigint>
  /** Fees by version and endpoint. */
  hosts: ReadonlyMap<string, readonly EndpointFees[]>
  /** What the opened receipts attribute, by version. */
  answers: ReadonlyMap<string, CountedAnswers>
}

type EndpointFees = { endpointId: string; host: Hex; fees: bigint }

/** Indexes the facts. Of what somebody could state in a document, the part that is not valid is left out: it never throws.
 *  @throws RangeError naming the first fact of the chain that contradicts another. */
export function indexFacts(facts: EpochFacts): EpochIndex {
  const versions = uniqueMap('Version', facts.versions, (version) => version.versionId)
  const models = uniqueMap('Model', facts.models, (model) => model.modelId)
  for (const model of facts.models) checkModel(model)
  for (const { versionId, modelId } of facts.versions)
    if (!models.has(modelId)) refuseMissing('Model', modelId, `version ${versionId}`)
  requireUnique('Usage of', facts.usage, usageName)
  for (const { endpointId, versionId, fees } of facts.usage) {
    if (!versions.has(versionId)) refuseMissing('Version', versionId, `endpoint ${endpointId}`)
    notNegative(`The fee total of endpoint ${endpointId}`, fees)
  }
  const contributors = contributorsOf(facts)
  const hosts = hostsOf(facts.usage)
  const fees = new Map([...hosts].map(([id, endpoints]) => [id, endpoints.reduce((sum, one) => sum + one.fees, 0n)]))
  return { versions, models, contributors, fees, hosts, answers: countedAnswers(facts, contributors) }
}

function checkModel({ modelId, terms, stakes }: EpochModel): void {
  checkTerms(terms)
  requireUnique(`Stake in model ${modelId} of`, stakes, (stake) => lower(stake.account))
  for (const { account, amount } of stakes) notNegative(`The stake of ${account} in model ${modelId}`, amount)
}

function contributorsOf({ contributions, excluded, epoch }: EpochFacts): Map<string, Hex> {
  const contributors = new Map<string, Hex>()
  for (const { contributionId, contributor } of contributions) {
    if (contributors.has(contributionId)) refuseTwice('Contribution', contributionId)
    contributors.set(contributionId, lower(contributor))
  }
  for (const { contributionId, fromEpoch } of excluded) if (fromEpoch <= epoch) contributors.delete(contributionId)
  return contributors
}

/** By version and endpoint, both in the order of their ids. */
function hostsOf(usage: EpochFacts['usage']): Map<string, EndpointFees[]> {
  const hosts = new Map<string, EndpointFees[]>()
  const order = (a: EndpointUsage, b: EndpointUsage) =>
    byId(a.versionId, b.versionId) || byId(a.endpointId, b.endpointId)
  for (const { versionId, endpointId, host, fees } of [...usage].sort(order)) {
    const endpoints = hosts.get(versionId) ?? []
    hosts.set(versionId, endpoints)
    const last = endpoints.at(-1)
    if (last?.endpointId === endpointId) last.fees += fees
    else endpoints.push({ endpointId, host: lower(host), fees })
  }
  return hosts
}

const usageName = ({ endpointId, versionId, consumer }: EndpointUsage) =>
  `${endpointId} by version ${versionId} for ${lower(consumer)}`

function uniqueMap<T>(what: string, items: readonly T[], key: (item: T) => string): Map<string, T> {
  requireUnique(what, items, key)
  return new Map(items.map((item) => [key(item), item]))
}

function requireUnique<T>(what: string, items: readonly T[], key: (item: T) => string): void {
  const seen = new LargeMap<string, T>()
  for (const item of items) {
    const name = key(item)
    if (seen.has(name)) refuseTwice(what, name)
    seen.set(name, item)
  }
}

function notNegative(what: string, amount: bigint): void {
  if (amount < 0n) throw new RangeError(`${what} is negative: ${amount}.`)
}

function refuseTwice(what: string, id: string): never {
  throw new RangeError(`${what} ${id} is given twice.`)
}

function refuseMissing(what: string, id: string, by: string): never {
  throw new RangeError(`${what} ${id}, named by ${by}, is not among the facts. Collect it before settling.`)
}
