import { Random } from '#math/random.ts'
import type { Attack } from '../attack.ts'
import { honestJudges, otherThan } from './judges.ts'
import { POT, playRound, TASKS } from './round.ts'

/** Somebody promises every judge its pay and a little more for the worse answer, should that not be the judgement of most (p + ε). Where most alone
 *  decides, all take the bribe, and nothing is to be paid for it. Here the pots do not pay for it, so that the briber must. */
export const bribery: Attack = {
  name: 'p + ε bribery',
  measure: 'part of the pots that pays for false judgements, when everybody takes the bribe',
  limit: 0,
  chance: true,
  play(seed) {
    const random = new Random(`bribery/${seed}`)
    const judges = honestJudges(12, random).map((judge) => ({
      ...judge,
      answer: ({ truth }: { truth: 0 | 1 }) => ({ choice: otherThan(truth), confidence: 100 }),
    }))
    const { settlements } = playRound(judges, random)
    const paid = settlements.reduce((sum, { reward }) => sum + reward, 0n)
    return { before: 1, after: Number(paid) / Number(BigInt(TASKS) * POT) }
  },
}
