/** Rules 8 and 10, amendments 4a and 10a (reward map): from an epoch's facts to its leaves, remainders, debts and explanations. */

import type { Hex } from 'viem'
import { BPS, mulDiv, PPM } from './bps.ts'
import type { CountedAnswers } from './countedAnswers.ts'
import { type CarriedPot, type Debt, type EpochFacts, type EpochIndex, indexFacts } from './epochFacts.ts'
import { ancestors } from './lineage.ts'
import { elementAt, entryOf } from './lookup.ts'
import { lower } from './lower.ts'
import { type RewardLeaf, rewardTreeSteps } from './merkle.ts'
import { ascending, byId } from './order.ts'
import { postToAccounts } from './rewardAccounts.ts'
import type { RewardEntry } from './rewardEntry.ts'
import { POTS, type Pot, splitInherited, splitPot, splitServed, takePlatform } from './split.ts'
import { atOnce, type Steps } from './steps.ts'
import { countedWeights } from './versionWeights.ts'

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
 * @throws RangeError naming the first fact of the chain that contradicts another; never for what a document states.
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
 *   usage: [{ endpointId: '1', versionId: '1', consumer: account(5), host: account(7), fees: 1_000n }],
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
 *         unattributedByWeight: false,
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
export const buildRewardMap = (facts: EpochFacts): EpochRewardMap => atOnce(rewardMapSteps(facts))

/** `buildRewardMap` in steps, each of which takes some seconds for a million accounts. */
export function* rewardMapSteps(facts: EpochFacts): Steps<EpochRewardMap> {
  const settlement = yield* rewardSteps(facts)
  yield
  const leaves: RewardLeaf[] = settlement.accounts.map(({ account, cumulative }) => ({
    chain: facts.chain,
    distributor: lower(facts.distributor),
    epoch: facts.epoch,
    account,
    cumulative,
  }))
  const { total, treasury, carried, debts, lines } = settlement
  yield
  const { root } = yield* rewardTreeSteps(leaves)
  return { leaves, root, total, treasury, carried, debts, lines }
}

/** `buildRewardMap` without the Merkle tree: what counterfactuals compare. */
export const computeRewards = (facts: EpochFacts): Settlement => atOnce(rewardSteps(facts))

type Settlement = Pick<EpochRewardMap, 'lines' | 'carried'> & ReturnType<typeof postToAccounts>

function* rewardSteps(facts: EpochFacts): Steps<Settlement> {
  const index = indexFacts(facts)
  yield
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
  const versionIds = [...new Set([...served.keys(), ...inherited.keys()])].sort(byId)
  for (const versionId of versionIds) {
    const { terms } = modelOf(index, versionId)
    const answers = index.answers.get(versionId) ?? NO_ANSWERS
    const own = splitServed(served.get(versionId) ?? 0n, terms)
    const heir = splitInherited(inherited.get(versionId) ?? 0n, terms)
    carried.put(versionId, 'rest', own.left + heir.left)
    const opened = openedPart(own.pots.answers, answers.fees, index.fees.get(versionId) ?? 0n)
    const fresh: Record<Pot, bigint> = {
      ...own.pots,
      owner: own.pots.owner + heir.pots.owner,
      stakers: own.pots.stakers + heir.pots.stakers,
      validators: own.pots.validators + heir.pots.validators,
      answers: opened,
      data: own.pots.data + heir.pots.data + own.pots.answers - opened,
    }
    for (const pot of POTS) {
      if (fresh[pot] === 0n) continue
      const amount = fresh[pot] + carried.take(versionId, pot)
      const claims = claimsOn(index, versionId, pot)
      yield
      const { left, byWeight } = payPot(facts, index, claims, lines, versionId, pot, amount)
      carried.put(versionId, pot, left)
      fresh.data += byWeight
      yield
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
  for (const parent of ancestors(versionId, (id) => parentOf(index, id))) {
    const passed = canInherit(index, parent) ? mulDiv(amount, modelOf(index, holder).terms.ancestors, BPS) : 0n
    keep(holder, amount - passed)
    amount = passed
    holder = parent
  }
  keep(holder, amount)
}

/** A parent that is not among the facts does not share: it is beyond the last generation that does. */
function parentOf({ versions }: EpochIndex, versionId: string): string | null {
  const parent = entryOf(versions, versionId).parentVersionId
  return parent !== null && versions.has(parent) ? parent : null
}

/** A version whose mandate gives everything to its hosts cannot inherit, because it was not hosted for its descendants' calls. */
const canInherit = (index: EpochIndex, versionId: string) => modelOf(index, versionId).terms.host < BPS

const NO_ANSWERS: CountedAnswers = { fees: 0n, masses: new Map() }

/** The part of the answers' pot that opened receipts share. The rest goes by version weight. */
const openedPart = (pot: bigint, opened: bigint, fees: bigint): bigint => (fees === 0n ? 0n : mulDiv(pot, opened, fees))

type Claim = { account: Hex; weight: bigint; source: RewardEntry['source'] }

/** Pays one pot of a version. The part that nobody has a claim to goes to the treasury; in the answers' pot, if the mandate says so, it goes by
 *  version weight. `left`: what flooring leaves in the pot. */
function payPot(
  facts: EpochFacts,
  index: EpochIndex,
  claims: Claim[],
  lines: RewardEntry[],
  versionId: string,
  pot: Pot,
  amount: bigint,
): { left: bigint; byWeight: bigint } {
  const claimed = claims.reduce((sum, claim) => sum + claim.weight, 0n)
  const opened = (index.answers.get(versionId) ?? NO_ANSWERS).fees
  const whole = pot === 'answers' ? opened * PPM : claimed === 0n ? 1n : claimed
  const nobody = whole - claimed
  const { shares, left } = splitPot(amount, [...claims.map((claim) => claim.weight), nobody], whole)
  claims.forEach(({ account, weight, source }, i) => {
    addLine(lines, { account, role: pot, versionId, source, amount: elementAt(shares, i), pot: amount, weight, whole })
  })
  const unattributed = elementAt(shares, claims.length)
  if (pot === 'answers' && modelOf(index, versionId).terms.unattributedByWeight) return { left, byWeight: unattributed }
  addLine(lines, {
    account: lower(facts.treasury),
    role: 'unattributed',
    versionId,
    source: { kind: 'pot', id: pot },
    amount: unattributed,
    pot: amount,
    weight: nobody,
    whole,
  })
  return { left, byWeight: 0n }
}

/** Who has a claim to a pot, and with what weight, in the order of the sources' ids. */
function claimsOn(index: EpochIndex, versionId: string, pot: Pot): Claim[] {
  const version = entryOf(index.versions, versionId)
  const model = modelOf(index, versionId)
  const byContribution = (weight: bigint, id: string): Claim => ({
    account: entryOf(index.contributors, id),
    weight,
    source: { kind: 'contribution', id },
  })
  switch (pot) {
    case 'owner':
      return [{ account: lower(model.owner), weight: 1n, source: { kind: 'version', id: versionId } }]
    case 'stakers':
      return model.stakes
        .map(({ account, amount }) => {
          const id = lower(account)
          return { account: id, weight: amount, source: { kind: 'stake', id } as const }
        })
        .sort((a, b) => ascending(a.account, b.account))
    case 'answers':
      return [...(index.answers.get(versionId) ?? NO_ANSWERS).masses]
        .sort(([a], [b]) => byId(a, b))
        .map(([id, mass]) => byContribution(mass, id))
    case 'data':
      return countedWeights(version.weights, index.contributors).map(({ contributionId, weight }) =>
        byContribution(weight, contributionId),
      )
    case 'validators':
      return version.judgements
        .map(({ taskId, validator, score }) => ({
          account: lower(validator),
          weight: score,
          source: { kind: 'task', id: taskId } as const,
        }))
        .sort((a, b) => byId(a.source.id, b.source.id) || ascending(a.account, b.account))
    case 'host':
      return (index.hosts.get(versionId) ?? []).map(({ endpointId, host, fees }) => ({
        account: host,
        weight: fees,
        source: { kind: 'endpoint', id: endpointId },
      }))
  }
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
    return [...this.amounts.values()].sort((a, b) => byId(a.versionId, b.versionId) || ascending(a.pot, b.pot))
  }
}
