import { Random } from '#math/random.ts'
import type { Attack } from '../attack.ts'
import { honestJudges, judged, names } from './judges.ts'
import { earnedByMajority, POT, playRound, profitOf, STAKE, TASKS } from './round.ts'

/** What one name earns on average that is as good as the honest: the pots' part of its stake. Ratios of two earnings of one seed would have no mean. */
const FAIR = (TASKS * Number(POT)) / 4

/** What several names earn together that give one judge's answers, in units of what one name with their stake earns. */
const underNames = (name: string, count: number): Attack => ({
  name,
  measure: 'the names together, in units of one with their stake',
  limit: 1.05,
  chance: true,
  play(seed) {
    const played = (as: number) => {
      const random = new Random(`${name}/${seed}`)
      const judges = [
        ...honestJudges(9, random),
        ...names(as, 3n * STAKE, (task) => judged(task, random.fork(task.id))),
      ]
      return playRound(judges, random.fork('round'))
    }
    const [one, many] = [played(1), played(count)]
    return {
      before: earnedByMajority(many, 'attacker') / earnedByMajority(one, 'attacker'),
      after: 1 + (profitOf(many, 'attacker') - profitOf(one, 'attacker')) / FAIR,
    }
  },
})

export const nameAttacks: Attack[] = [
  underNames('one judge under 3 names', 3),
  underNames('one judge under 10 names', 10),
  underNames('one judge under 30 names', 30),
  // Who pays another for its judgement, and who sells it, are two names of one judge.
  underNames('bought reveals', 2),
]
