import type { PromptCompletion } from '../sample.ts'

/** Attacks on the rule about copies: each makes `n` samples out of one that somebody else committed earlier. */

type Attack = (original: PromptCompletion, n: number, others: readonly PromptCompletion[]) => PromptCompletion[]

const words = (text: string) => text.split(/\s+/)

/** The sample with its prompt and completion changed in the same way. */
const both = ({ prompt, completion }: PromptCompletion, change: (text: string) => string): PromptCompletion => ({
  prompt: change(prompt),
  completion: change(completion),
})

const times = (n: number, make: (nth: number) => PromptCompletion) => Array.from({ length: n }, (_, nth) => make(nth))

/** A word after every `every` words, another one in each copy. */
const filler =
  (every: number, word: (nth: number, place: number) => string): Attack =>
  (original, n) =>
    times(n, (nth) =>
      both(original, (text) =>
        words(text)
          .flatMap((one, at) => (at % every === every - 1 ? [one, word(nth, at)] : [one]))
          .join(' '),
      ),
    )

const LOOK_ALIKE: Record<string, string> = {
  a: 'а',
  e: 'е',
  o: 'о',
  p: 'р',
  c: 'с',
  x: 'х',
  i: 'і',
  s: 'ѕ',
  k: 'к',
  t: 'т',
}

const homoglyphs: Attack = (original, n) =>
  times(n, (nth) =>
    both(original, (text) =>
      [...text].map((one, at) => ((at + nth) % 3 === 0 ? (LOOK_ALIKE[one] ?? one) : one)).join(''),
    ),
  )

const sentences = (text: string) => text.split(/(?<=[.!?\n])\s+/)

const rotated = <T>(list: readonly T[], by: number): T[] => {
  const from = by % Math.max(1, list.length)
  return [...list.slice(from), ...list.slice(0, from)]
}

export const COPY_ATTACKS: Record<string, Attack> = {
  'same bytes': (original, n) => times(n, () => original),
  'new word after every word': filler(1, (nth, at) => `filler${nth}x${at}`),
  'new word after every 2nd word': filler(2, (nth, at) => `filler${nth}x${at}`),
  'new word after every 4th word': filler(4, (nth, at) => `filler${nth}x${at}`),
  'common word after every 3rd word': filler(3, (nth, at) => ['the', 'my', 'is', 'and', 'to'][(nth + at) % 5] ?? 'a'),
  'operators between words': filler(1, (nth, at) => ['+', '~', '+~', '~+'][(nth + at) % 4] ?? '+'),
  'operators inside words': (original, n) =>
    times(n, (nth) => both(original, (text) => text.replace(/(\p{L}{2})(?=\p{L})/gu, nth % 2 ? '$1~' : '$1+'))),
  homoglyphs,
  'appended noise': (original, n) =>
    times(n, (nth) => ({
      ...original,
      completion: `${original.completion} ${Array.from({ length: 60 }, (_, i) => `noise${nth}x${i}`).join(' ')}`,
    })),
  'sentences in another order': (original, n) =>
    times(n, (nth) => both(original, (text) => rotated(sentences(text), nth + 1).join(' '))),
  'joined with another sample': (original, n, others) =>
    times(n, (nth) => {
      const other = others[nth % others.length] ?? original
      return {
        prompt: `${original.prompt} ${other.prompt}`,
        completion: `${original.completion} ${other.completion}`,
      }
    }),
  'split into two': (original, n) =>
    times(n, (nth) =>
      both(original, (text) => {
        const all = words(text)
        const half = Math.ceil(all.length / 2)
        return (nth % 2 === 0 ? all.slice(0, half) : all.slice(half)).join(' ') || text
      }),
    ),
}
