/** Rules 8 and 10, amendments 4a and 10a (reward map): from an epoch's facts to its leaves, remainders, debts and explanations. */

import type { Hex } from 'viem'
import { BPS, mulDiv, PPM } from './bps.ts'
import { type CarriedPot, type Debt, type EpochFacts, type EpochIndex, indexFacts, lower } from './epochFacts.ts'
import { ancestors } from './lineage.ts'
import { elementAt, entryOf } from './lookup.ts'
import { type RewardLeaf, RewardTree } from './merkle.ts'
import { ascending } from './order.ts'
import { postToAccounts } from './rewardAccounts.ts'
import type { RewardEntry } from './rewardEntry.ts'
import { POTS, type Pot, splitInherited, splitPot, splitServed, takePlatform } from './split.ts'

/** A reward map and what explains it. Invariant: `total + Σ carried − Σ carried before = Σ fees`. */
export type EpochRewardMap = {
  leaves: RewardLeaf[]
  root: Hex
  /** Wei that become payable by this map: the `total` of `RewardDistributor.publish`. */
  total: bigint
  /** The treasury's part of `total`. */
  treasury: bigint
  carried: CarriedPot[]
  debts: Debt[]
  lines: RewardEntry[]
}

/**
 * Computes an epoch's reward map from its finalised facts. Pure: the same facts give the same root.
 * @throws RangeError naming the first fact that contradicts another.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { buildRewardMap } from '#rules/rewardMap.ts'
 *
 * const account = (n: number) => `0x${String(n).padStart(40, '0')}` as const
 * const map = buildRewardMap({
 *   chain: 1n,
 *   distributor: account(9),
 *   epoch: 1n,
 *   treasury: account(8),
 *   usage: [{ endpointId: '1', versionId: '1', host: account(7), fees: 1_000n }],
 *   receipts: [],
 *   versions: [{ versionId: '1', modelId: '1', parentVersionId: null, weights: [], judgements: [] }],
 *   models: [
 *     {
 *       modelId: '1',
 *       owner: account(6),
 *       stakes: [],
 *       terms: {
 *         platform: 1_000n,
 *         owner: 4_000n,
 *         stakers: 0n,
 *         data: 0n,
 *         validators: 0n,
 *         host: 6_000n,
 *         ancestors: 0n,
 *         dataByWeight: 0n,
 *         unattributed: null,
 *       },
 *     },
 *   ],
 *   contributions: [],
 *   excluded: [],
 *   corrections: [],
 *   before: { accounts: [], carried: [], debts: [] },
 * })
 * const amounts = map.leaves.map((leaf) => [leaf.account, leaf.cumulative])
 * assert.deepEqual(amounts, [
 *   [account(6), 360n],
 *   [account(7), 540n],
 *   [account(8), 100n],
 * ]) // owner, host, treasury
 * ```
 */
export function buildRewardMap(facts: EpochFacts): EpochRewardMap {
  const settlement = computeRewards(facts)
  const leaves: RewardLeaf[] = settlement.accounts.map(({ account, cumulative }) => ({
    chain: facts.chain,
    distributor: lower(facts.distributor),
    epoch: facts.epoch,
    account,
    cumulative,
  }))
  const { total, treasury, carried, debts, lines } = settlement
  return { leaves, root: new RewardTree(leaves).root, total, treasury, carried, debts, lines }
}

/** `buildRewardMap` without the Merkle tree: what counterfactuals compare. */
export function computeRewards(facts: EpochFacts) {
  const index = indexFacts(facts)
  const lines: RewardEntry[] = []
  const carried = new CarriedPots(facts.before.carried)
  const served = new Map<string, bigint>()
  const inherited = new Map<string, bigint>()
  for (const [versionId, fees] of index.fees) {
    const { terms } = modelOf(index, versionId)
    const { platform, rest } = takePlatform(fees, terms)
    addLine(lines, {
      account: lower(facts.treasury),
      role: 'platform',
      versionId,
      source: { kind: 'version', id: versionId },
      amount: platform,
      pot: fees,
      weight: terms.platform,
      whole: BPS,
    })
    passOn(index, versionId, rest + carried.take(versionId, 'rest'), served, inherited)
  }
  const masses = answerMasses(facts, index)
  const versionIds = [...new Set([...served.keys(), ...inherited.keys()])].sort()
  for (const versionId of versionIds) {
    const { terms } = modelOf(index, versionId)
    const answers = masses.get(versionId) ?? new Map<string, bigint>()
    const own = splitServed(served.get(versionId) ?? 0n, terms)
    const heir = splitInherited(inherited.get(versionId) ?? 0n, terms)
    carried.put(versionId, 'rest', own.left + heir.left)
    for (const pot of POTS) {
      const fresh = own.pots[pot] + heir.pots[pot]
      if (fresh === 0n) continue
      const amount = fresh + carried.take(versionId, pot)
      carried.put(versionId, pot, payPot(facts, index, answers, lines, versionId, pot, amount))
    }
  }
  return { lines, carried: carried.list(), ...postToAccounts(facts, lines) }
}

/** Gives each ancestor, up to `MAX_DEPTH`, its share of what its child got, and leaves the rest to the child. The platform takes no second
 *  share. */
function passOn(
  index: EpochIndex,
  versionId: string,
  amount: bigint,
  served: Map<string, bigint>,
  inherited: Map<string, bigint>,
): void {
  const keep = (id: string, share: bigint) => {
    const into = id === versionId ? served : inherited
    into.set(id, (into.get(id) ?? 0n) + share)
  }
  let holder = versionId
  for (const parent of ancestors(versionId, (id) => entryOf(index.versions, id).parentVersionId)) {
    const passed = canInherit(index, parent) ? mulDiv(amount, modelOf(index, holder).terms.ancestors, BPS) : 0n
    keep(holder, amount - passed)
    amount = passed
    holder = parent
  }
  keep(holder, amount)
}

/** A version whose mandate gives everything to its hosts cannot inherit, because it was not hosted for its descendants' calls. */
const canInherit = (index: EpochIndex, versionId: string) => modelOf(index, versionId).terms.host < BPS

type Claim = { account: Hex; weight: bigint; source: RewardEntry['source'] }

/** Pays one pot of a version and returns what flooring leaves in it. The part that nobody has a claim to goes to the mandate's `unattributed`. */
function payPot(
  facts: EpochFacts,
  index: EpochIndex,
  answers: ReadonlyMap<string, bigint>,
  lines: RewardEntry[],
  versionId: string,
  pot: Pot,
  amount: bigint,
): bigint {
  const claims = claimsOn(facts, index, answers, versionId, pot)
  const claimed = claims.reduce((sum, claim) => sum + claim.weight, 0n)
  const fees = index.fees.get(versionId) ?? 0n
  const whole = pot === 'answers' && fees > 0n ? fees * PPM : claimed === 0n ? 1n : claimed
  const nobody = whole - claimed
  const destination = modelOf(index, versionId).terms.unattributed ?? facts.treasury
  claims.push({ account: lower(destination), weight: nobody, source: { kind: 'pot', id: pot } })
  const weights = claims.map((claim) => claim.weight)
  const { shares, left } = splitPot(amount, weights, whole)
  claims.forEach(({ account, weight, source }, i) => {
    const role = i === claims.length - 1 ? 'unattributed' : pot
    addLine(lines, { account, role, versionId, source, amount: elementAt(shares, i), pot: amount, weight, whole })
  })
  return left
}

/** Who has a claim to a pot, and with what weight. */
function claimsOn(
  facts: EpochFacts,
  index: EpochIndex,
  answers: ReadonlyMap<string, bigint>,
  versionId: string,
  pot: Pot,
): Claim[] {
  const version = entryOf(index.versions, versionId)
  const model = modelOf(index, versionId)
  const byContribution = (weights: Iterable<readonly [string, bigint]>): Claim[] => {
    const claims: Claim[] = []
    for (const [id, weight] of weights)
      if (!index.excluded.has(id))
        claims.push({ account: entryOf(index.contributors, id), weight, source: { kind: 'contribution', id } })
    return claims
  }
  switch (pot) {
    case 'owner':
      return [{ account: lower(model.owner), weight: 1n, source: { kind: 'version', id: versionId } }]
    case 'stakers':
      return model.stakes.map(({ account, amount }) => {
        const id = lower(account)
        return { account: id, weight: amount, source: { kind: 'stake', id } }
      })
    case 'data':
      return byContribution(version.weights.map(({ contributionId, weight }) => [contributionId, weight] as const))
    case 'answers':
      return byContribution(answers)
    case 'validators':
      return version.judgements.map(({ taskId, validator, score }) => ({
        account: lower(validator),
        weight: score,
        source: { kind: 'task', id: taskId },
      }))
    case 'host':
      return facts.usage
        .filter((use) => use.versionId === versionId)
        .map((use) => ({
          account: lower(use.host),
          weight: use.fees,
          source: { kind: 'endpoint', id: use.endpointId },
        }))
  }
}

/** Per version and contribution: the sum over the receipts of fee × mass, in wei × ppm. Exact: nothing is floored per answer. */
function answerMasses(facts: EpochFacts, index: EpochIndex): Map<string, Map<string, bigint>> {
  const masses = new Map([...index.fees.keys()].map((id) => [id, new Map<string, bigint>()]))
  for (const { versionId, fee, parts } of facts.receipts) {
    const of = entryOf(masses, versionId)
    for (const { contributionId, mass } of parts) of.set(contributionId, (of.get(contributionId) ?? 0n) + fee * mass)
  }
  return masses
}

const modelOf = (index: EpochIndex, versionId: string) =>
  entryOf(index.models, entryOf(index.versions, versionId).modelId)

function addLine(lines: RewardEntry[], line: RewardEntry): void {
  if (line.amount !== 0n) lines.push(line)
}

/** What flooring left in each pot: taken when the pot is filled again, kept otherwise. */
class CarriedPots {
  private readonly amounts = new Map<string, CarriedPot>()

  constructor(before: readonly CarriedPot[]) {
    for (const { versionId, pot, amount } of before) this.put(versionId, pot, amount)
  }

  take(versionId: string, pot: CarriedPot['pot']): bigint {
    const key = `${versionId}/${pot}`
    const amount = this.amounts.get(key)?.amount ?? 0n
    this.amounts.delete(key)
    return amount
  }

  put(versionId: string, pot: CarriedPot['pot'], amount: bigint): void {
    if (amount > 0n)
      this.amounts.set(`${versionId}/${pot}`, { versionId, pot, amount: amount + this.take(versionId, pot) })
  }

  list(): CarriedPot[] {
    return [...this.amounts].sort(([a], [b]) => ascending(a, b)).map(([, carried]) => carried)
  }
}
