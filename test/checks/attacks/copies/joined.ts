import type { Disguise } from '../disguise.ts'

/** The original together with another earlier sample. */
export const joined: Record<string, Disguise> = {
  'one after the other': (original, { random, others }) => {
    const other = random.choice(others)
    return {
      prompt: `${original.prompt} ${other.prompt}`,
      completion: `${original.completion} ${other.completion}`,
    }
  },
  'prompt after another prompt': (original, { random, others }) => ({
    ...original,
    prompt: `${random.choice(others).prompt} ${original.prompt}`,
  }),
}
