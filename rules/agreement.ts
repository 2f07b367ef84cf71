/** Rule 5 (feedback payment): Correlated Agreement, the part of a validator's score that depends on its peers. */

import { PPM } from './bps.ts'
import { entryOf } from './lookup.ts'

/** One validator's answer to one task. */
export type PeerReport = { taskId: string; validator: string; choice: number }

/**
 * Correlated Agreement of each validator with its peers, in ppm from −1,000,000 to 1,000,000 (Shnayder, Agarwal, Frongillo and
 * Parkes 2016): how often two agree on the *same* task, minus how often they agree on *different* tasks. A validator that always
 * gives the same answer, or answers at random, gets 0 on average. The value is the mean over the peers, weighted by
 * the number of shared tasks; 0 when there is no peer to compare with. Exact up to one floor per pair.
 * @throws RangeError when a validator reports on a task twice.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { correlatedAgreement } from '#rules/agreement.ts'
 *
 * const agreement = correlatedAgreement([
 *   { taskId: '1', validator: 'a', choice: 0 },
 *   { taskId: '1', validator: 'b', choice: 0 },
 *   { taskId: '2', validator: 'a', choice: 1 },
 *   { taskId: '2', validator: 'b', choice: 1 },
 * ])
 * assert.equal(agreement.get('a'), 1_000_000n) // always on the same task, never across tasks
 * ```
 */
export function correlatedAgreement(reports: readonly PeerReport[]): Map<string, bigint> {
  const byTask = new Map<string, PeerReport[]>()
  const profiles = new Map<string, Map<number, bigint>>()
  for (const report of reports) {
    const task = byTask.get(report.taskId)
    if (task === undefined) byTask.set(report.taskId, [report])
    else task.push(report)
    const profile = profiles.get(report.validator) ?? new Map<number, bigint>()
    profile.set(report.choice, (profile.get(report.choice) ?? 0n) + 1n)
    profiles.set(report.validator, profile)
  }
  const sums = new Map<string, { weighted: bigint; shared: bigint }>()
  for (const validator of profiles.keys()) sums.set(validator, { weighted: 0n, shared: 0n })
  for (const { a, b, shared, agreed } of pairs(byTask)) {
    const agreement = pairAgreement(entryOf(profiles, a), entryOf(profiles, b), shared, agreed)
    if (agreement === null) continue
    for (const validator of [a, b]) {
      const sum = entryOf(sums, validator)
      sum.weighted += agreement * shared
      sum.shared += shared
    }
  }
  return new Map(
    [...sums].map(([validator, { weighted, shared }]) => [validator, shared === 0n ? 0n : weighted / shared]),
  )
}

type Pair = { a: string; b: string; shared: bigint; agreed: bigint }

function pairs(byTask: ReadonlyMap<string, readonly PeerReport[]>): Iterable<Pair> {
  const found = new Map<string, Map<string, Pair>>()
  for (const reports of byTask.values())
    reports.forEach((first, i) => {
      for (const second of reports.slice(i + 1)) {
        const [a, b] = [first.validator, second.validator].sort() as [string, string]
        if (a === b) throw new RangeError(`Validator ${a} judged task ${first.taskId} twice. Give one reveal each.`)
        const row = found.get(a) ?? new Map<string, Pair>()
        const pair = row.get(b) ?? { a, b, shared: 0n, agreed: 0n }
        pair.shared++
        if (first.choice === second.choice) pair.agreed++
        found.set(a, row.set(b, pair))
      }
    })
  return [...found.values()].flatMap((row) => [...row.values()])
}

/** `null` when the two validators have no pair of different tasks to compare. */
function pairAgreement(a: Map<number, bigint>, b: Map<number, bigint>, shared: bigint, agreed: bigint): bigint | null {
  let everywhere = 0n
  for (const [choice, count] of a) everywhere += count * (b.get(choice) ?? 0n)
  const size = (profile: Map<number, bigint>) => [...profile.values()].reduce((sum, count) => sum + count, 0n)
  const apart = size(a) * size(b) - shared
  if (apart === 0n) return null
  const difference = agreed * apart - (everywhere - agreed) * shared
  const whole = shared * apart
  const rest = (difference * PPM) % whole
  return (difference * PPM) / whole - (rest < 0n ? 1n : 0n)
}
