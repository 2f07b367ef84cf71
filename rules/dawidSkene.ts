import { bigintMin, PPM } from './bps.ts'
import { ascending } from './order.ts'
import { quantise } from './quantise.ts'

/** One answer to "which of the two is better": 0 the first, 1 the second. Ties carry no label: leave them out. */
export type PairJudgement = { pairId: string; validator: string; choice: 0 | 1 }

/** `second`: probability that the second answer is better. `noise`: probability that the likelier label is wrong, the
 *  label-noise rate for training. Both ppm. */
export type PairPosterior = { pairId: string; second: bigint; noise: bigint }
/** Probability of judging right, mean over both truths, ppm. 500,000 is chance; below, the judge is taken in reverse. */
export type Reliability = { validator: string; reliability: bigint; judged: bigint }

/** The preference that a pair's posterior gives to training: the likelier answer is `chosen` (the first when both are equally likely). `weight` is
 *  `2 P − 1` for the likelier answer's probability P: 0 for a coin toss, one million for certainty. `noise` is `1 − P`, the
 *  label-noise rate. Both ppm. */
export function trainingPreference(pair: PairPosterior): { chosen: 0 | 1; weight: bigint; noise: bigint } {
  return { chosen: pair.second * 2n > PPM ? 1 : 0, weight: PPM - 2n * pair.noise, noise: pair.noise }
}

/** Every judge starts as one who was right twice and wrong once on each truth: without data a posterior leans to the
 *  majority, and a single judge is never taken as certain. */
const PRIOR_RIGHT = 2
const PRIOR_WRONG = 1
const TOLERANCE = 1e-10
const MOST_ROUNDS = 500

/** Who is reliable and which answer is better, estimated together by expectation maximisation (Dawid and Skene 1979, two
 *  classes, judges with a rate of their own for each truth). `known` holds gold pairs, which anchor the labels: without an anchor a
 *  colluding majority defines what is right. The two answers' order is random, so both truths are equally likely before.
 *  Floats inside, in an order that does not depend on the input's; results are quantised once to ppm. */
export function dawidSkene(
  judgements: readonly PairJudgement[],
  known: ReadonlyMap<string, 0 | 1> = new Map(),
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
    pair: pairAt.get(j.pairId)!,
    judge: validatorAt.get(j.validator)!,
    choice: j.choice,
  }))
  const truth = pairIds.map((id) => known.get(id))

  const votes = pairIds.map(() => [1, 1])
  for (const { pair, choice } of answers) votes[pair]![choice]!++
  let second = votes.map(([first, other], pair) => truth[pair] ?? other! / (first! + other!))
  let rates = maximise()
  let rounds = 0
  for (let change = 1; change > TOLERANCE && rounds < MOST_ROUNDS; rounds++) {
    const next = expect()
    change = next.reduce((most, value, pair) => Math.max(most, Math.abs(value - second[pair]!)), 0)
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

  /** Rate of right answers of every judge on each truth, given the posteriors. */
  function maximise(): [number, number][] {
    const counts = validators.map(() => [PRIOR_RIGHT, PRIOR_WRONG, PRIOR_WRONG, PRIOR_RIGHT])
    for (const { pair, judge, choice } of answers) {
      counts[judge]![choice]! += 1 - second[pair]!
      counts[judge]![2 + choice]! += second[pair]!
    }
    return counts.map(([right0, wrong0, wrong1, right1]) => [
      right0! / (right0! + wrong0!),
      right1! / (wrong1! + right1!),
    ])
  }

  /** Posterior of every pair, given the rates. */
  function expect(): number[] {
    const odds = pairIds.map(() => 0)
    for (const { pair, judge, choice } of answers) {
      const [right0, right1] = rates[judge]!
      odds[pair]! += choice === 1 ? Math.log(right1 / (1 - right0)) : Math.log((1 - right1) / right0)
    }
    return odds.map((value, pair) => truth[pair] ?? 1 / (1 + Math.exp(-value)))
  }
}
