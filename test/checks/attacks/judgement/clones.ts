import { Random } from '#math/random.ts'
import type { GoldAnswer } from '#rules/gold.ts'
import type { Attack } from '../attack.ts'
import { honestJudges, judged, names } from './judges.ts'
import {
  earnedByMajority,
  type PlayedRound,
  paidTo,
  playRound,
  type SeenTask,
  type SimulatedJudge,
  STAKE,
} from './round.ts'

const CLONES = 9
/** What one clone is paid in a round on average, measured with 300 seeds, in wei. */
const ONE = 8e16
/** Everybody judges everything. */
const SEATS = 18n
/** The gold tasks of two earlier rounds. */
const EARLIER = 96

/** Nine honest experts, and judges that use a language model, in a round after two others. */
function playBesideExperts(seed: number, models: (random: Random) => SimulatedJudge[]): PlayedRound {
  const random = new Random(`clones/${seed}`)
  const judges = [...honestJudges(9, random.fork('experts'), 0.95), ...models(random.fork('models'))]
  const earlier = Array.from({ length: EARLIER }, (_, at) => {
    const task: SeenTask = { id: -1 - at, truth: random.integer(2) as 0 | 1, gold: true }
    return judges.flatMap((judge): GoldAnswer[] => {
      const answer = judge.answer(task, [])
      if (!answer) return []
      const { choice, confidence } = answer
      return [{ taskId: `earlier ${at}`, validator: judge.name, right: choice === task.truth, confidence, epoch: 1n }]
    })
  })
  return playRound(judges, random.fork('round'), { earlier: earlier.flat(), seats: SEATS })
}

const copiesOf = (count: number) => (random: Random) =>
  names(count, BigInt(count) * STAKE, (task) => judged(task, random.fork(task.id), 0.8))
const independent = (random: Random): SimulatedJudge[] =>
  honestJudges(CLONES, random, 0.8).map((judge) => ({ ...judge, name: `model of ${judge.name}`, side: 'attacker' }))

/** Nine judges ask one language model, each with a stake of its own. */
export const clones: Attack = {
  name: 'nine clones',
  measure: 'nine clones together, in units of one',
  limit: 1.05,
  chance: true,
  play(seed) {
    const [one, nine] = [playBesideExperts(seed, copiesOf(1)), playBesideExperts(seed, copiesOf(CLONES))]
    return {
      before: earnedByMajority(nine, 'attacker') / earnedByMajority(one, 'attacker'),
      after: 1 + (paidTo(nine, 'attacker') - paidTo(one, 'attacker')) / ONE,
    }
  },
}

/** The experts, who agree with each other, beside the nine clones. */
export const clonesBesideExperts: Attack = {
  name: 'nine clones beside experts',
  measure: 'part of their pay that honest experts lose, compared with nine independent judges',
  limit: 0,
  chance: true,
  play(seed) {
    const [apart, cloned] = [playBesideExperts(seed, independent), playBesideExperts(seed, copiesOf(CLONES))]
    return {
      before: 1 - earnedByMajority(cloned, 'honest') / earnedByMajority(apart, 'honest'),
      after: 1 - paidTo(cloned, 'honest') / paidTo(apart, 'honest'),
    }
  },
}
