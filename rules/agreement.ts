import { PPM } from './bps.ts'

export type PeerReport = { taskId: string; validator: string; choice: number }

/** Correlated Agreement of each validator with its peers, in ppm from −1,000,000 to 1,000,000 (Shnayder, Agarwal, Frongillo and
 *  Parkes 2016): how often two agree on the *same* task, less how often they agree on *different* tasks. One who always
 *  answers alike, or draws answers independently of the task, gets 0 on average. A validator's figure is the mean over
 *  its peers, weighted by the number of shared tasks; 0 where no peer can be compared. Exact up to one floor per pair. */
export function correlatedAgreement(judgements: readonly PeerReport[]): Map<string, bigint> {
  const byTask = new Map<string, PeerReport[]>()
  const profiles = new Map<string, Map<number, bigint>>()
  for (const judgement of judgements) {
    const task = byTask.get(judgement.taskId)
    if (task === undefined) byTask.set(judgement.taskId, [judgement])
    else task.push(judgement)
    const profile = profiles.get(judgement.validator) ?? new Map<number, bigint>()
    profile.set(judgement.choice, (profile.get(judgement.choice) ?? 0n) + 1n)
    profiles.set(judgement.validator, profile)
  }
  const sums = new Map<string, { weighted: bigint; shared: bigint }>()
  for (const [validator] of profiles) sums.set(validator, { weighted: 0n, shared: 0n })
  for (const { a, b, shared, agreed } of pairs(byTask)) {
    const agreement = pairAgreement(profiles.get(a)!, profiles.get(b)!, shared, agreed)
    if (agreement === null) continue
    for (const validator of [a, b]) {
      const sum = sums.get(validator)!
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
  for (const judgements of byTask.values())
    judgements.forEach((first, i) => {
      for (const second of judgements.slice(i + 1)) {
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

/** `null` when the two have no pair of different tasks to compare with. */
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
