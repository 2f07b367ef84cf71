import type { Random } from '#math/random.ts'
import type { PromptCompletion } from '#rules/sample.ts'

/** Makes one of several copies of a sample that somebody committed earlier. `others` are also earlier samples of strangers. */
export type Disguise = (
  original: PromptCompletion,
  context: { nth: number; random: Random; others: readonly PromptCompletion[] },
) => PromptCompletion

export const wordsOf = (text: string): string[] => text.split(/\s+/)

/** The sample with its prompt and completion changed in the same way. */
export const both = ({ prompt, completion }: PromptCompletion, change: (text: string) => string): PromptCompletion => ({
  prompt: change(prompt),
  completion: change(completion),
})

/** A word that no sample has. */
export const newWord = (random: Random): string => `q${random.uint32().toString(36)}`

/** A word of another sample. */
export function knownWord(random: Random, others: readonly PromptCompletion[]): string {
  const { prompt, completion } = random.choice(others)
  return random.choice(wordsOf(`${prompt} ${completion}`))
}
