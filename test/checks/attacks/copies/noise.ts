import type { Random } from '#math/random.ts'
import { type Disguise, knownWord, newWord } from '../disguise.ts'

const noise = (count: number, word: (random: Random) => string) => Array.from({ length: count }, word).join(' ')

/** Words that teach nothing, before or after the original. */
export const noiseAround: Record<string, Disguise> = {
  '60 new words after the completion': (original, { random }) => ({
    ...original,
    completion: `${original.completion} ${noise(60, () => newWord(random))}`,
  }),
  '300 new words before the prompt': (original, { random }) => ({
    ...original,
    prompt: `${noise(300, () => newWord(random))} ${original.prompt}`,
  }),
  '60 known words before the prompt': (original, { random, others }) => ({
    ...original,
    prompt: `${noise(60, () => knownWord(random, others))} ${original.prompt}`,
  }),
}
