import { Random } from '#math/random.ts'
import type { SupervisedExample } from './supervised.ts'

/** The `count` items from position `from` on of an endless sequence of passes over all items; every pass has its own order, which follows from the seed. */
export function inPasses<T>(items: readonly T[], seed: string, from: number, count: number): T[] {
  const chosen: T[] = []
  let [pass, order] = [-1, new Uint32Array(0) as ArrayLike<number>]
  for (let position = from; position < from + count && items.length > 0; position++) {
    const current = Math.floor(position / items.length)
    if (current !== pass) [pass, order] = [current, new Random(`${seed}/${current}`).permutation(items.length)]
    chosen.push(items[order[position % items.length] ?? 0] as T) // a permutation has only valid indices
  }
  return chosen
}

/** Supervised examples beside a run's own, whose loss counts with the trainer's `supervisedWeight`. */
export interface SupervisedMix {
  examples: readonly SupervisedExample[]
  perStep: number
}

/** The supervised examples of the step after `step` updates. */
export const mixedIn = (mix: SupervisedMix | undefined, seed: number, step: number): SupervisedExample[] =>
  mix ? inPasses(mix.examples, `${seed}/supervised`, step * mix.perStep, mix.perStep) : []
