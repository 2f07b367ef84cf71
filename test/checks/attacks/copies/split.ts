import { both, type Disguise, wordsOf } from '../disguise.ts'

/** One of `parts` parts of the prompt and of the completion. */
const part =
  (parts: number): Disguise =>
  (original, { nth }) =>
    both(original, (text) => {
      const all = wordsOf(text)
      const size = Math.ceil(all.length / parts)
      return all.slice((nth % parts) * size, (nth % parts) * size + size).join(' ') || text
    })

/** Parts of the original. */
export const split: Record<string, Disguise> = {
  'into halves': part(2),
  'into thirds': part(3),
  'one half left out, sentence by sentence': (original, { random }) =>
    both(original, (text) => {
      const all = text.split(/(?<=[.!?\n])\s+/)
      return all.filter(() => random.chance(0.5)).join(' ') || text
    }),
}
