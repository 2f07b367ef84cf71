import { type Disguise, knownWord, newWord, wordsOf } from '../disguise.ts'
import { split } from './split.ts'

const lengthOf = ({ prompt, completion }: { prompt: string; completion: string }) =>
  wordsOf(`${prompt} ${completion}`).length

/** Noise of so many times the length of what is disguised, before its prompt: other noise each time. */
const padded =
  (ratio: number, disguise: Disguise = (original) => original, known = false): Disguise =>
  (original, play) => {
    const { prompt, completion } = disguise(original, play)
    const count = Math.round(lengthOf({ prompt, completion }) * ratio)
    const word = () => (known ? knownWord(play.random, play.others) : newWord(play.random))
    return { prompt: `${Array.from({ length: count }, word).join(' ')} ${prompt}`, completion }
  }

const part = (name: string): Disguise => split[name] as Disguise

/** Parts of the original, each with noise. */
export const paddedParts: Record<string, Disguise> = {
  'halves, as much noise': padded(1, part('into halves')),
  'thirds, as much noise': padded(1, part('into thirds')),
}

/** One's own text, which nobody has seen without noise. */
export const paddedOwn: Record<string, Disguise> = {
  'half as much noise': padded(0.5),
  'as much noise': padded(1),
  'twice as much noise, of known words': padded(2, undefined, true),
}
