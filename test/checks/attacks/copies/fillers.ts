import type { Random } from '#math/random.ts'
import { both, type Disguise, knownWord, newWord, wordsOf } from '../disguise.ts'

/** `count` words after every `every` words. */
const filler =
  (
    every: number,
    count: number,
    word: (random: Random, others: Parameters<Disguise>[1]['others']) => string,
  ): Disguise =>
  (original, { random, others }) =>
    both(original, (text) =>
      wordsOf(text)
        .flatMap((one, at) =>
          at % every === every - 1 ? [one, ...Array.from({ length: count }, () => word(random, others))] : [one],
        )
        .join(' '),
    )

/** Words put between those of the original. */
export const fillers: Record<string, Disguise> = {
  'new word after every word': filler(1, 1, newWord),
  'new word after every 4th word': filler(4, 1, newWord),
  'three new words after every word': filler(1, 3, newWord),
  'eight new words after every word': filler(1, 8, newWord),
  'known word after every word': filler(1, 1, knownWord),
  'known word after every 3rd word': filler(3, 1, knownWord),
}
