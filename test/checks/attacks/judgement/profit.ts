import { Random } from '#math/random.ts'
import type { Attack } from '../attack.ts'
import { honestJudges, names } from './judges.ts'
import { earnedByMajority, gasOf, playRound, profitOf, type SeenAnswer, type SeenTask, STAKE } from './round.ts'

const HONEST = 9

/** What a coalition of `names` plays. The honest have nine stakes of 10 gOPEN, the coalition `stakes` more. */
type Coalition = {
  names: number
  stakes: bigint
  answer: (random: Random) => (task: SeenTask, honest: readonly (0 | 1 | 2)[]) => SeenAnswer
  /** Gas alone does not stop it: what it may earn, in units of what honest judges with its stake earn. */
  ofHonest?: number | 'not stopped'
}

/** As a part of what honest judges earn. */
const A_LITTLE = 0.05

const coin = (random: Random, confidence: number): NonNullable<SeenAnswer> => ({
  choice: random.integer(2) as 0 | 1,
  confidence,
})
const knowsGold: Coalition['answer'] = (random) => (task) =>
  task.gold ? { choice: task.truth, confidence: 100 } : coin(random, 50)
/** Sees all honest reveals first and reveals only what agrees with most of them. */
const selects: Coalition['answer'] = (random) => (_, honest) => {
  const own = coin(random, 100)
  const agreeing = honest.filter((choice) => choice === own.choice).length
  return agreeing * 2 > honest.length ? own : null
}

const COALITIONS: Record<string, Coalition> = {
  'shared coin': { names: 3, stakes: 3n, answer: (random) => () => coin(random, 70) },
  'shared coin, 30 names': { names: 30, stakes: 3n, answer: (random) => () => coin(random, 55) },
  'coin flips with selective reveal': { names: 1, stakes: 1n, answer: selects },
  'coin flips with selective reveal, 30 names': { names: 30, stakes: 3n, answer: selects },
  'gold known to a coalition': { names: 3, stakes: 3n, answer: knowsGold, ofHonest: A_LITTLE },
  'gold known to a coalition of 30 names': { names: 30, stakes: 3n, answer: knowsGold, ofHonest: A_LITTLE },
  'gold known to two fifths of the stake': { names: 6, stakes: 6n, answer: knowsGold, ofHonest: 'not stopped' },
  'always the first answer': { names: 3, stakes: 3n, answer: () => () => ({ choice: 0, confidence: 50 }) },
  // A commitment has its validator's address in it: a copied one cannot be revealed.
  'copied commitments': { names: 1, stakes: 1n, answer: () => () => null },
}

/** What a coalition without any judgement of its own earns in one round: rewards less fines, in units of the gas that it pays. */
export const profitAttacks: Attack[] = Object.entries(COALITIONS).map(([name, { ofHonest, ...coalition }]) => ({
  name,
  measure: `rewards less fines, in units of ${ofHonest === undefined ? 'the gas paid' : 'what honest judges with that stake earn'}`,
  limit: ofHonest === 'not stopped' ? undefined : (ofHonest ?? 1),
  chance: true,
  play(seed) {
    const random = new Random(`${name}/${seed}`)
    const judges = [
      ...honestJudges(HONEST, random),
      ...names(coalition.names, coalition.stakes * STAKE, coalition.answer(random)),
    ]
    const round = playRound(judges, random)
    const unit =
      ofHonest === undefined
        ? gasOf(round, 'attacker')
        : (profitOf(round, 'honest') * Number(coalition.stakes)) / HONEST
    return { before: earnedByMajority(round, 'attacker') / unit, after: profitOf(round, 'attacker') / unit }
  },
}))
