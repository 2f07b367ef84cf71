/** Rule 6, amendment 5a (clones): judges who agree with each other more often than their accuracy explains. For training weights, never for pay. */

import { PPM } from './bps.ts'
import type { Correlations } from './coincidence.ts'
import type { PairJudgement } from './dawidSkene.ts'
import { entryOf } from './lookup.ts'
import { quantise } from './quantise.ts'

/** An agreement counts as dependence from three standard errors above the expected. */
const STANDARD_ERRORS = 3
/** Added to the record of each judge, as in `dawidSkene.ts`. */
const PRIOR_RIGHT = 2
const PRIOR_WRONG = 1

/**
 * The dependence ρ between each two judges, in ppm: `(a − e) / (1 − e)`. `a` is how often they agree, `e` how often independent judges with
 * their accuracy on the known pairs would: `p q + (1 − p)(1 − q)`. Experts who agree because both are right have none. Without known pairs nothing is
 * known of anybody's accuracy, and there is none.
 */
export function judgeDependence(judgements: readonly PairJudgement[], known: ReadonlyMap<string, 0 | 1>): Correlations {
  const found = new Map<string, Map<string, bigint>>()
  const answers = new Map<string, Map<string, 0 | 1>>()
  for (const { pairId, validator, choice } of judgements) {
    const own = answers.get(validator) ?? new Map<string, 0 | 1>()
    answers.set(validator, own.set(pairId, choice))
  }
  const records = new Map([...answers].map(([validator, own]) => [validator, accuracyOn(own, known)]))
  const judges = [...answers]
  judges.forEach(([first, own], at) => {
    for (const [second, other] of judges.slice(at + 1)) {
      const dependence = excess(own, other, entryOf(records, first), entryOf(records, second))
      if (dependence === 0n) continue
      found.set(first, (found.get(first) ?? new Map<string, bigint>()).set(second, dependence))
      found.set(second, (found.get(second) ?? new Map<string, bigint>()).set(first, dependence))
    }
  })
  return found
}

type Accuracy = { rate: number; variance: number; known: number }

function accuracyOn(own: ReadonlyMap<string, 0 | 1>, known: ReadonlyMap<string, 0 | 1>): Accuracy {
  let [right, wrong] = [PRIOR_RIGHT, PRIOR_WRONG]
  for (const [pairId, choice] of own) {
    const truth = known.get(pairId)
    if (truth === choice) right++
    else if (truth !== undefined) wrong++
  }
  const rate = right / (right + wrong)
  return { rate, variance: (rate * (1 - rate)) / (right + wrong), known: right + wrong - PRIOR_RIGHT - PRIOR_WRONG }
}

function excess(own: ReadonlyMap<string, 0 | 1>, other: ReadonlyMap<string, 0 | 1>, p: Accuracy, q: Accuracy): bigint {
  let [shared, agreed] = [0, 0]
  for (const [pairId, choice] of own) {
    const answer = other.get(pairId)
    if (answer === undefined) continue
    shared++
    if (answer === choice) agreed++
  }
  if (shared === 0 || p.known === 0 || q.known === 0) return 0n
  const expected = p.rate * q.rate + (1 - p.rate) * (1 - q.rate)
  // First the judges' own variances: their sum is the same in both orders.
  const ofRates = (2 * q.rate - 1) ** 2 * p.variance + (2 * p.rate - 1) ** 2 * q.variance
  const variance = (expected * (1 - expected)) / shared + ofRates
  const above = agreed / shared - expected
  return above > STANDARD_ERRORS * Math.sqrt(variance) ? quantise(above / (1 - expected), PPM) : 0n
}
