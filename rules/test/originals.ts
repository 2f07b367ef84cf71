import type { PromptCompletion } from '../sample.ts'

const WORDS =
  'river stone lamp quiet copper orchard winter paper signal harbour violet engine meadow anchor prism garden window bridge silver morning market letter castle forest thunder basket candle mirror ladder pocket'.split(
    ' ',
  )

/** Different samples of several sentences, from a fixed sequence. */
export function drawOriginals(count: number): PromptCompletion[] {
  let state = 1
  const draw = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return WORDS[(state >>> 8) % WORDS.length] ?? ''
  }
  const sentences = (many: number) =>
    Array.from({ length: many }, () => `${Array.from({ length: 12 }, draw).join(' ')}.`).join(' ')
  return Array.from({ length: count }, () => ({ prompt: sentences(2), completion: sentences(4) }))
}
