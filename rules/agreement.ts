/** Rule 5, amendment 5a (feedback payment): the part of a validator's score that depends on its peers. */

import { bigintMax, bigintMin, PPM, sqrtUp } from './bps.ts'
import { entryOf } from './lookup.ts'
import { ascending } from './order.ts'

/** One validator's answer to one task; `choice` is null when the commitment was not revealed. `weight`: of its seat, in ppm. */
export type PeerReport = { taskId: string; validator: string; choice: number | null; weight: bigint }

/** In ppm: `value` is from −1,000,000 to 1,000,000; `margin` is two standard errors of the answers of a coin, `1 / √tasks`. What is paid is
 *  `beyondLuck`: nothing up to the margin, the whole value from twice the margin on, and linearly between. */
export type Agreement = { value: bigint; margin: bigint; beyondLuck: bigint; tasks: bigint }
/** Of who committed to no task. */
export const NO_AGREEMENT: Agreement = { value: 0n, margin: PPM, beyondLuck: 0n, tasks: 0n }

/**
 * Agreement of each validator with its peers: the weighted lower median, over all peers and the validator itself, of the Correlated Agreement of
 * the two (Shnayder, Agarwal, Frongillo and Parkes 2016): how often they agree on the *same* task, minus how often on *different*
 * tasks. Each peer weighs as much as its seats at the validator's tasks. Who always answers alike or by a coin gets 0 on average. Because everybody is
 * its own peer, many names of one judge get what one name with their weight gets; because of the median, judges who
 * have less than half of the weight gain nothing by agreeing with each other. A commitment that was not revealed scores as its worst
 * reveal: it agrees with nobody on its task and with everybody on others; it is no peer of others.
 * @throws RangeError when a validator reports on a task twice.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { peerAgreement } from '#rules/agreement.ts'
 *
 * const says = (validator: string, choices: number[]) =>
 *   choices.map((choice, task) => ({ taskId: String(task), validator, choice, weight: 1_000_000n }))
 * const agreement = peerAgreement([...says('a', [0, 1, 0, 1]), ...says('b', [0, 1, 0, 1]), ...says('c', [1, 1, 1, 1])])
 * assert.equal(agreement.get('a')?.value, 666_666n) // with b: 1 on the same task, 4 of 12 on others
 * assert.equal(agreement.get('c')?.value, 0n)
 * ```
 */
export function peerAgreement(reports: readonly PeerReport[]): Map<string, Agreement> {
  const profiles = profilesOf(reports)
  const found = new Map<string, Agreement>()
  for (const [validator, pairs] of pairsOf(reports)) {
    const own = entryOf(profiles, validator)
    const peers = [...pairs].map(([peer, pair]) => ({
      value: pairAgreement(own, entryOf(profiles, peer), pair),
      weight: pair.weight,
    }))
    const value = lowerMedian(peers)
    const margin = sqrtUp((PPM * PPM) / own.tasks)
    found.set(validator, {
      value,
      margin,
      beyondLuck: bigintMin(bigintMax(value, 0n), bigintMax(2n * (value - margin), 0n)),
      tasks: own.tasks,
    })
  }
  return found
}

/** A validator's answers: how many it committed to, and revealed, by choice. */
type Profile = { tasks: bigint; revealed: bigint; choices: Map<number, bigint> }

function profilesOf(reports: readonly PeerReport[]): Map<string, Profile> {
  const profiles = new Map<string, Profile>()
  for (const { validator, choice } of reports) {
    const profile = profiles.get(validator) ?? { tasks: 0n, revealed: 0n, choices: new Map() }
    profile.tasks++
    if (choice !== null) {
      profile.revealed++
      profile.choices.set(choice, (profile.choices.get(choice) ?? 0n) + 1n)
    }
    profiles.set(validator, profile)
  }
  return profiles
}

/** Of the tasks of a validator that a peer revealed: their number, on how many both agree, how many the validator did not reveal, and the
 *  weight of the peer's seats. */
type Pair = { shared: bigint; agreed: bigint; unrevealed: bigint; weight: bigint }

function pairsOf(reports: readonly PeerReport[]): Map<string, Map<string, Pair>> {
  const byTask = new Map<string, PeerReport[]>()
  const found = new Map<string, Map<string, Pair>>()
  for (const report of reports) {
    const task = byTask.get(report.taskId) ?? []
    if (task.some(({ validator }) => validator === report.validator))
      throw new RangeError(`Validator ${report.validator} judged task ${report.taskId} twice. Give one answer each.`)
    byTask.set(report.taskId, [...task, report])
    found.set(report.validator, new Map())
  }
  for (const task of byTask.values())
    for (const own of task) {
      const pairs = entryOf(found, own.validator)
      for (const peer of task) {
        if (peer.choice === null) continue
        const pair = pairs.get(peer.validator) ?? { shared: 0n, agreed: 0n, unrevealed: 0n, weight: 0n }
        pair.shared++
        pair.weight += peer.weight
        if (own.choice === null) pair.unrevealed++
        else if (own.choice === peer.choice) pair.agreed++
        pairs.set(peer.validator, pair)
      }
    }
  return found
}

/** 0 when the two have no different tasks to compare. */
function pairAgreement(own: Profile, peer: Profile, { shared, agreed, unrevealed }: Pair): bigint {
  const apart = own.tasks * peer.revealed - shared
  if (apart === 0n) return 0n
  let everywhere = (own.tasks - own.revealed) * peer.revealed
  for (const [choice, count] of own.choices) everywhere += count * (peer.choices.get(choice) ?? 0n)
  const difference = agreed * apart - (everywhere - agreed - unrevealed) * shared
  return floorDiv(difference * PPM, shared * apart)
}

/** The smallest value below or at which half of the weight is; 0 without values. */
function lowerMedian(values: readonly { value: bigint; weight: bigint }[]): bigint {
  const sorted = [...values].sort((a, b) => ascending(a.value, b.value))
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0n)
  let below = 0n
  for (const { value, weight } of sorted) {
    below += weight
    if (below * 2n >= total) return value
  }
  return 0n
}

const floorDiv = (value: bigint, by: bigint) => value / by - (value % by < 0n ? 1n : 0n)
