import { type Hex, keccak256, stringToBytes } from 'viem'
import { Random } from '#engine/stats/random.ts'
import type { Fields } from './skill/triage.ts'
import { type Utility, utility } from './utility.ts'

/** Two answers to one message. `truth` is what a person reads out of the message. */
export type AnswerComparison = { prompt: string; truth: Fields; answers: readonly [string, string] }

/** What a validator reveals: 0 the first answer, 1 the second, 2 a tie; the rest 0–100, of the preferred answer. */
export type SimulatedJudgement = {
  choice: 0 | 1 | 2
  ethics: number
  logic: number
  functional: number
  confidence: number
}

export type ValidatorBehaviour = 'careful' | 'ordinary' | 'hasty' | 'careless' | 'colluding'

/** A simulated validator. `nth` is the account: `accountOf('validator', nth)`. */
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

/** Standard deviation of what a validator misperceives of an answer's utility, in its points of 100. */
const NOISE: Record<'careful' | 'ordinary' | 'hasty', number> = { careful: 4, ordinary: 9, hasty: 18 }

/** Below this difference an honest validator calls a tie. */
const TIE = 1.5

/**
 * Plays one validator on one comparison; the same seed, validator and comparison give the same judgement.
 * - honest ones compare the hidden utilities through their noise and state how sure that makes them
 * - the careless one draws lots, and is sure of itself
 * - the colluding ones agreed on a pattern of the prompts' hash, whatever the answers say
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
  const seen = comparison.answers.map((answer) => {
    const true_ = utility(answer, comparison.truth)
    return { ...true_, overall: true_.overall + own.normal(0, noise) }
  })
  const gap = seen[1].overall - seen[0].overall
  const choice = Math.abs(gap) < TIE ? 2 : gap > 0 ? 1 : 0
  // Misperceptions of two answers add up: the chance that the sign of the gap is right.
  const sure = normalCdf(Math.abs(gap) / (noise * Math.SQRT2))
  const rate = (part: keyof Utility) =>
    percent((choice === 2 ? (seen[0][part] + seen[1][part]) / 2 : seen[choice][part]) + own.normal(0, noise))
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

/** The salt of a validator's commitment: nobody without the seed can guess it. */
export function saltOf(seed: number | string, validator: SimulatedValidator, taskId: bigint | number): Hex {
  return keccak256(stringToBytes(`salt/${seed}/${validator.name}/${taskId}`))
}

/** What a person reads out of each message that may come up for judgement: by prompt. */
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
