import { Random } from '#math/random.ts'
import type { Fields } from './skill/triage.ts'
import { type Utility, utility } from './utility.ts'

/** Two answers to one message. `truth` are the fields that a person finds in the message. */
export type AnswerComparison = { prompt: string; truth: Fields; answers: readonly [string, string] }

/** What a validator reveals. `choice`: 0 is the first answer, 1 the second, 2 a tie. The ratings, from 0 to 100, are of the preferred answer. */
export type SimulatedJudgement = {
  choice: 0 | 1 | 2
  ethics: number
  logic: number
  functional: number
  confidence: number
}

export type ValidatorBehaviour = 'careful' | 'ordinary' | 'hasty' | 'careless' | 'colluding'

/** A simulated validator. Its account is `exampleAccount('validator', nth)`. */
export type SimulatedValidator = { name: string; nth: number; behaviour: ValidatorBehaviour }

export const VALIDATORS: readonly SimulatedValidator[] = (
  [
    ['Quinn', 'careful'],
    ['Ravi', 'careful'],
    ['Suri', 'careful'],
    ['Tess', 'ordinary'],
    ['Umar', 'ordinary'],
    ['Vera', 'hasty'],
    ['Wade', 'careless'],
    ['Xan', 'colluding'],
    ['Yve', 'colluding'],
  ] as const
).map(([name, behaviour], nth) => ({ name, nth, behaviour }))

/** The standard deviation of the error with which a validator perceives the utility of an answer, which is from 0 to 100. */
const NOISE: Record<'careful' | 'ordinary' | 'hasty', number> = { careful: 4, ordinary: 9, hasty: 18 }

/** Below this difference an honest validator calls a tie. */
const TIE = 1.5

/**
 * Simulates the judgement of one validator; the same seed, validator and comparison give the same judgement.
 * - Honest validators compare the hidden utilities with an error, and state a confidence that fits it.
 * - The careless validator chooses at random, with high confidence.
 * - The colluding validators choose by a hash of the prompt, which they agreed on, and ignore the answers.
 */
export function judgeComparison(
  seed: number | string,
  validator: SimulatedValidator,
  comparison: AnswerComparison,
): SimulatedJudgement {
  const { behaviour, name } = validator
  const own = new Random(`judge/${seed}/${name}/${comparison.prompt}/${comparison.answers.join('/')}`)
  if (behaviour === 'careless') return randomJudgement(own.integer(2), own)
  if (behaviour === 'colluding') return randomJudgement(new Random(`pact/${comparison.prompt}`).integer(2), own)

  const noise = NOISE[behaviour]
  const perceive = (answer: string) => {
    const actual = utility(answer, comparison.truth)
    return { ...actual, overall: actual.overall + own.normal(0, noise) }
  }
  const [first, second] = comparison.answers
  const perceived = [perceive(first), perceive(second)] as const
  const gap = perceived[1].overall - perceived[0].overall
  const choice = Math.abs(gap) < TIE ? 2 : gap > 0 ? 1 : 0
  // The errors of both answers add up: this is the probability that the sign of the gap is right.
  const sure = normalCdf(Math.abs(gap) / (noise * Math.SQRT2))
  const rate = (part: keyof Utility) =>
    percent(
      (choice === 2 ? (perceived[0][part] + perceived[1][part]) / 2 : perceived[choice][part]) + own.normal(0, noise),
    )
  return {
    choice,
    ethics: rate('ethics'),
    logic: rate('logic'),
    functional: rate('functional'),
    confidence: choice === 2 ? 50 : percent(sure * 100),
  }
}

function randomJudgement(choice: number, random: Random): SimulatedJudgement {
  const rate = () => 40 + random.integer(60)
  return {
    choice: choice as 0 | 1,
    ethics: rate(),
    logic: rate(),
    functional: rate(),
    confidence: 60 + random.integer(41),
  }
}

/** The true fields of each message, by prompt. */
export function truthsOf(messages: readonly { prompt: string; truth: Fields }[]): ReadonlyMap<string, Fields> {
  return new Map(messages.map(({ prompt, truth }) => [prompt, truth]))
}

const percent = (value: number) => Math.min(100, Math.max(0, Math.round(value)))

/** The standard normal distribution function (Abramowitz & Stegun 26.2.17; error below 1e-7). */
function normalCdf(x: number): number {
  const t = 1 / (1 + 0.2316419 * x)
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return 1 - (tail * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)
}
