/** Rule 6, amendment 5a (reputation, clones): the posterior reliability of validators, which weights each preference pair in training. */
// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { bigintMin, PPM } from './bps.ts'
import { entryOf } from './lookup.ts'
import { ascending } from './order.ts'
import { quantise } from './quantise.ts'

/** One validator's answer to "which of the two answers is better": 0 the first, 1 the second. Leave ties out: they are no label. */
export type PairJudgement = { pairId: string; validator: string; choice: 0 | 1 }

/** `second`: probability that the second answer is better. `noise`: probability that the likelier label is wrong, which is the
 *  label-noise rate for training. Both in ppm. */
export type PairPosterior = { pairId: string; second: bigint; noise: bigint }
/** Probability of a correct answer, mean over both truths, in ppm. 500,000 is chance; below that, the estimate uses the opposite of what the
 *  validator says. */
export type Reliability = { validator: string; reliability: bigint; judged: bigint }

/**
 * Turns a pair's posterior into a preference for training. The likelier answer is `chosen` (the first when both are equally likely). With
 * its probability P, `weight` is `2 P − 1` (0 for a coin toss, one million for certainty) and `noise` is `1 − P`, both in ppm.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { trainingPreference } from '#rules/dawidSkene.ts'
 *
 * const preference = trainingPreference({ pairId: '1', second: 900_000n, noise: 100_000n })
 * assert.deepEqual(preference, { chosen: 1, weight: 800_000n, noise: 100_000n })
 * ```
 */
export function trainingPreference(pair: PairPosterior): { chosen: 0 | 1; weight: bigint; noise: bigint } {
  return { chosen: pair.second * 2n > PPM ? 1 : 0, weight: PPM - 2n * pair.noise, noise: pair.noise }
}

/** Pseudo-counts for every validator and each truth: two correct answers, one wrong. Without data the posterior follows the majority, and
 *  a single validator is never taken as certain. */
const PRIOR_RIGHT = 2
const PRIOR_WRONG = 1
const TOLERANCE = 1e-10
const MAX_ROUNDS = 500

/**
 * Estimates together which validators are reliable and which answers are better, by expectation maximisation (Dawid and Skene 1979: two
 * classes, one rate per validator and truth). `known` holds the gold pairs, which anchor the labels: without them a colluding majority
 * defines what is correct. `independence` (ppm, one million where absent) is how much a validator's answers count: those of judges who answer
 * alike are no independent observations (`dependence.ts`). The order of the two answers is random, so both truths have the same prior. Floats are
 * summed in an order that does not depend on the order of the input; the results are quantised once, to ppm.
 * @throws RangeError when a validator judges a pair twice.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { dawidSkene } from '#rules/dawidSkene.ts'
 *
 * const says = (validator: string, choices: (0 | 1)[]) =>
 *   choices.map((choice, i) => ({ pairId: String(i), validator, choice }))
 * const { pairs, validators } = dawidSkene(
 *   [...says('a', [1, 1, 0, 1]), ...says('b', [1, 1, 0, 1]), ...says('c', [0, 0, 1, 1])],
 *   new Map([['0', 1]]),
 * )
 * const [a, , c] = validators
 * assert.ok(pairs[1] && pairs[1].second > 700_000n) // a and b agree, and c was wrong about the gold pair
 * assert.ok(a && c && a.reliability > c.reliability)
 * ```
 */
export function dawidSkene(
  judgements: readonly PairJudgement[],
  known: ReadonlyMap<string, 0 | 1> = new Map(),
  independence: ReadonlyMap<string, bigint> = new Map(),
): { pairs: PairPosterior[]; validators: Reliability[]; rounds: number } {
  const sorted = [...judgements].sort((a, b) => ascending(a.pairId, b.pairId) || ascending(a.validator, b.validator))
  sorted.forEach((judgement, i) => {
    const before = sorted[i - 1]
    if (before?.pairId === judgement.pairId && before.validator === judgement.validator)
      throw new RangeError(
        `Validator ${judgement.validator} judged pair ${judgement.pairId} twice. Give one answer each.`,
      )
  })
  const pairIds = [...new Set(sorted.map((judgement) => judgement.pairId))]
  const validators = [...new Set(sorted.map((judgement) => judgement.validator))].sort(ascending)
  const pairAt = new Map(pairIds.map((id, i) => [id, i]))
  const validatorAt = new Map(validators.map((id, i) => [id, i]))
  const answers = sorted.map((j) => ({
    pair: entryOf(pairAt, j.pairId),
    judge: entryOf(validatorAt, j.validator),
    choice: j.choice,
  }))
  const truth = pairIds.map((id) => known.get(id))
  const counts = validators.map((validator) => Number(independence.get(validator) ?? PPM) / Number(PPM))

  const votes = pairIds.map((): [number, number] => [1, 1])
  for (const { pair, judge, choice } of answers) votes[pair]![choice] += counts[judge]!
  let second = votes.map(([first, other], pair) => truth[pair] ?? other / (first + other))
  let rates = maximise()
  let rounds = 0
  for (let change = 1; change > TOLERANCE && rounds < MAX_ROUNDS; rounds++) {
    const next = expect()
    change = next.reduce((largest, value, pair) => Math.max(largest, Math.abs(value - second[pair]!)), 0)
    second = next
    rates = maximise()
  }
  return {
    pairs: pairIds.map((pairId, i) => {
      const ppm = quantise(second[i]!, PPM)
      return { pairId, second: ppm, noise: bigintMin(ppm, PPM - ppm) }
    }),
    validators: validators.map((validator, i) => ({
      validator,
      reliability: quantise((rates[i]![0] + rates[i]![1]) / 2, PPM),
      judged: BigInt(answers.filter((answer) => answer.judge === i).length),
    })),
    rounds,
  }

  /** Rate of correct answers of each validator on each truth, given the posteriors. */
  function maximise(): [number, number][] {
    const tallies = validators.map((): [number, number, number, number] => [
      PRIOR_RIGHT,
      PRIOR_WRONG,
      PRIOR_WRONG,
      PRIOR_RIGHT,
    ])
    for (const { pair, judge, choice } of answers) {
      tallies[judge]![choice] += 1 - second[pair]!
      tallies[judge]![2 + choice]! += second[pair]!
    }
    return tallies.map(([right0, wrong0, wrong1, right1]) => [right0 / (right0 + wrong0), right1 / (wrong1 + right1)])
  }

  /** Posterior of each pair, given the rates. */
  function expect(): number[] {
    const odds = pairIds.map(() => 0)
    for (const { pair, judge, choice } of answers) {
      const [right0, right1] = rates[judge]!
      odds[pair]! += counts[judge]! * (choice === 1 ? Math.log(right1 / (1 - right0)) : Math.log((1 - right1) / right0))
    }
    return odds.map((value, pair) => truth[pair] ?? 1 / (1 + Math.exp(-value)))
  }
}
