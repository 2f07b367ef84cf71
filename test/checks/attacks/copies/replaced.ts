import { both, type Disguise, knownWord, newWord, wordsOf } from '../disguise.ts'

const everyOther =
  (every: number, word: typeof knownWord): Disguise =>
  (original, { nth, random, others }) =>
    both(original, (text) =>
      wordsOf(text)
        .map((one, at) => ((at + nth) % every === 0 ? word(random, others) : one))
        .join(' '),
    )

/** Words replaced by others, such as synonyms. */
export const replaced: Record<string, Disguise> = {
  'every 6th word': everyOther(6, knownWord),
  'every 4th word': everyOther(4, knownWord),
  'every 3rd word': everyOther(3, knownWord),
  'every 3rd word by a new one': everyOther(3, newWord),
  'every 2nd word': everyOther(2, knownWord),
  'the last 15 % by new words': (original, { random }) =>
    both(original, (text) => {
      const all = wordsOf(text)
      return all.map((one, at) => (at < 0.85 * all.length ? one : newWord(random))).join(' ')
    }),
}
