import type { Random } from '#math/random.ts'
import { type SeenAnswer, type SeenTask, type SimulatedJudge, STAKE } from './round.ts'

/** How often honest judges are right, and how sure they say they are. */
const ACCURACY = 0.85

/** A choice that is right with this probability, with that confidence. */
export function judged(task: SeenTask, random: Random, accuracy = ACCURACY): NonNullable<SeenAnswer> {
  const choice = random.chance(accuracy) ? task.truth : otherThan(task.truth)
  return { choice, confidence: Math.round(accuracy * 100) }
}

export const otherThan = (choice: 0 | 1): 0 | 1 => (choice === 0 ? 1 : 0)

/** Judges with one stake each, each with its own errors. */
export const honestJudges = (count: number, random: Random, accuracy = ACCURACY): SimulatedJudge[] =>
  Array.from({ length: count }, (_, at) => ({
    name: `honest ${at}`,
    stake: STAKE,
    side: 'honest',
    answer: (task) => judged(task, random, accuracy),
  }))

/** One attacker's stake under many names, with the same answers. */
export function names(
  count: number,
  stake: bigint,
  answer: (task: SeenTask, honest: readonly (0 | 1 | 2)[]) => SeenAnswer,
): SimulatedJudge[] {
  const given = new Map<number, SeenAnswer>()
  return Array.from({ length: count }, (_, at) => ({
    name: `attacker ${at}`,
    stake: stake / BigInt(count),
    side: 'attacker',
    answer(task, honest) {
      const known = given.get(task.id)
      if (known !== undefined) return known
      const fresh = answer(task, honest)
      given.set(task.id, fresh)
      return fresh
    },
  }))
}
