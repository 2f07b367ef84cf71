import { drawItems } from '#example/skill/items.ts'
import { renderReply, STYLES } from '#example/skill/reply.ts'
import { formatTriage } from '#example/skill/triage.ts'
import { Random } from '#math/random.ts'
import type { PromptCompletion } from '#rules/sample.ts'

/** Kinds of samples that are hard for a rule about copies: written with the same phrases, with short answers, with few different words, in short
 *  lines. */
export const SAMPLE_KINDS = ['phrases', 'prose', 'answers', 'narrow', 'lines'] as const
export type SampleKind = (typeof SAMPLE_KINDS)[number]

const draws: Record<SampleKind, (random: Random, count: number) => PromptCompletion[]> = {
  /** The example's customer messages and replies: honest samples share most of their phrases. */
  phrases: (random, count) =>
    drawItems(random.uint32(), 'samples', count).map(({ prompt, truth, item }) => ({
      prompt,
      completion: formatTriage({
        ...truth,
        reply: renderReply(random.choice(STYLES), { ...truth, item }, random),
      }),
    })),
  prose: (random, count) => written(random, count, { words: 3_000, prompt: [2, 4], completion: [3, 8] }),
  answers: (random, count) => written(random, count, { words: 3_000, prompt: [2, 3], completion: [1, 1] }),
  narrow: (random, count) => written(random, count, { words: 60, prompt: [1, 3], completion: [2, 4] }),
  lines: (random, count) =>
    written(random, count, { words: 3_000, prompt: [3, 6], completion: [3, 8], length: [2, 4] }),
}

export const drawSamples = (kind: SampleKind, seed: number, count: number): PromptCompletion[] =>
  draws[kind](new Random(`samples/${kind}/${seed}`), count)

/** `prompt` and `completion` in sentences, `length` of a sentence in words. */
type Shape = { words: number; prompt: Range; completion: Range; length?: Range }
type Range = [number, number]

/** Sentences of words that are as frequent as in natural language: the nth most frequent has a share proportional to 1 / n (Zipf). */
function written(
  random: Random,
  count: number,
  { words, prompt, completion, length = [3, 13] }: Shape,
): PromptCompletion[] {
  const known = Array.from({ length: words }, (_, nth) => wordOf(nth))
  const frequency = known.map((_, nth) => 1 / (nth + 2))
  const drawn = ([least, most]: Range) => least + random.integer(most - least + 1)
  const sentence = () => {
    return `${Array.from({ length: drawn(length) }, () => known[random.weighted(frequency)]).join(' ')}.`
  }
  const sentences = (range: Range) => Array.from({ length: drawn(range) }, sentence).join(' ')
  return Array.from({ length: count }, () => ({ prompt: sentences(prompt), completion: sentences(completion) }))
}

const SYLLABLES = ['ba', 'ce', 'di', 'fo', 'gu', 'ka', 'le', 'mi', 'no', 'pu', 'ra', 'se', 'ti', 'vo', 'zu']

/** A made-up word for each number; frequent words are short. */
function wordOf(nth: number): string {
  const syllable = SYLLABLES[nth % SYLLABLES.length] ?? ''
  return nth < SYLLABLES.length ? syllable : wordOf(Math.floor(nth / SYLLABLES.length) - 1) + syllable
}
