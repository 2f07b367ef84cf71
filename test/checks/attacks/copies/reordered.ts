import { both, type Disguise, wordsOf } from '../disguise.ts'

const sentences = (text: string) => text.split(/(?<=[.!?\n])\s+/)

/** The same words in another order. */
export const reordered: Record<string, Disguise> = {
  sentences: (original, { random }) => both(original, (text) => random.shuffle(sentences(text)).join(' ')),
  'every two words': (original) =>
    both(original, (text) =>
      wordsOf(text)
        .map((one, at, all) => (at % 2 === 0 ? (all[at + 1] ?? one) : all[at - 1]))
        .join(' '),
    ),
}
